"""Writes random features in two formats: official files and a dataset of avsync.

    python -m tests.benchmarks.random_features DIR NUM_CLIPS

Writes DIR/npz/00000.npz ... (float32 "visual" and "audio", [t 1024], each frame of unit length) and
the same clips as the dataset `random/none` below DIR/tfds, in bfloat16.
"""

import sys
from pathlib import Path

import numpy as np

from avsync.features.ledger import Split
from avsync.features.store import FeatureDataset
from avsync.types import ClipFeatures, ClipInfo, Extraction

STREAMS = ("visual", "audio")
CHANNELS = 1024
SHORTEST_FRAMES, LONGEST_FRAMES = 125, 300  # 5 to 12 s, like most clips of AV-Deepfake1M
SPLIT = Split("train", num_shards=1, is_real_only=True)


def main(directory: Path, num_clips: int) -> None:
    random = np.random.default_rng(0)
    folder = directory / "npz"
    folder.mkdir(parents=True)
    clips = []
    for i in range(num_clips):
        num_frames = int(random.integers(SHORTEST_FRAMES, LONGEST_FRAMES + 1))
        streams = {name: _unit_vectors(random, num_frames) for name in STREAMS}
        np.savez(folder / f"{i:05d}.npz", **streams)
        info = ClipInfo(f"{i:05d}", label=0, category="RV-RA", num_frames=num_frames)
        clips.append(ClipFeatures(info, streams))
    extraction = Extraction("none", "random", dict.fromkeys(STREAMS, CHANNELS))
    dataset = FeatureDataset(
        "random", data_dir=directory / "tfds", extraction=extraction, dtype="bfloat16"
    )
    dataset.write(SPLIT, 0, clips=clips)
    dataset.finish()


def _unit_vectors(random: np.random.Generator, num_frames: int) -> np.ndarray:
    x = random.normal(size=(num_frames, CHANNELS)).astype(np.float32)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
