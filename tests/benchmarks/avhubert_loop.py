"""Extracts a batch as avsync-extract does, in turns: see avhubert_speed.py.

python -m tests.benchmarks.avhubert_loop DIR STREAM DTYPE
"""

import json
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from avsync.build import EXTRACTION_CHUNK_FRAMES
from avsync.convert import torch_file
from avsync.convert.avhubert import convert
from avsync.features.extractor import FeatureExtractor
from avsync.models.encoders.avhubert import Encoder
from avsync.types import ClipInfo, WholeClip
from tests.benchmarks.extraction import make_encoder
from tests.benchmarks.turns import serve

HEAD_CHANNELS = 64


def main(directory: Path, stream: str, dtype: str) -> None:
    sizes = json.loads((directory / "sizes.json").read_text())
    model = Encoder(
        **sizes,
        num_heads=sizes["embedding"] // HEAD_CHANNELS,
        chunk_frames=EXTRACTION_CHUNK_FRAMES,
        dtype=jnp.dtype(dtype),
    )
    encoder = make_encoder(model, stream, weights(directory))
    with np.load(directory / "batch.npz") as batch:
        frames, waveforms = batch["frames"][..., None], batch["waveform"]
    num_clips, clip_frames = frames.shape[:2]
    num_frames = num_clips * clip_frames
    extractor = FeatureExtractor(encoder, frames_per_batch=num_frames, dtype="float32")
    clips = [
        WholeClip(
            ClipInfo(str(i), label=0, category="RV-RA", num_frames=clip_frames), frames[i], waveform
        )
        for i, waveform in enumerate(waveforms)
    ]

    def work(num_batches: int) -> int:
        for _ in range(num_batches):
            extract()
        return num_batches * num_frames

    def extract() -> np.ndarray:
        found = extractor.extract(clips, channels={stream: model.embedding}, advance=lambda _: None)
        return np.stack([clip.streams[stream] for clip in found])

    np.save(directory / f"{stream}_{dtype}_avsync.npy", extract())
    serve(work, read_ahead=0)


def weights(directory: Path) -> Any:
    """Those of the network in PyTorch, converted as published ones are; None if there are none."""
    file = directory / "weights.pt"
    if not file.exists():
        return None
    return convert(torch_file.state_dict(torch_file.read(file), entry="model")).params


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
