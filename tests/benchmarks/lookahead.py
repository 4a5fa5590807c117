"""Changes of AV-HuBERT's features and of a score by the sound behind the last frame of a clip.

    python -m tests.benchmarks.lookahead --weights=DIR --dataset=NAME --data_dir=DIR [--split=train]

AV-HuBERT hears a frame through four windows, the last of which ends 240 samples behind the frame.
Every clip is taken without its last frame, once with its 640 t samples and once with the 240
samples that follow them. Prints the relative change of the audio features by the distance from the
end of the clip, and the change of the clip score of a random head of AVH-Align beside the spread of
that score over the clips.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from avsync import build, scoring
from avsync.datasets.base import open_source
from avsync.features.extractor import EncoderBatch, FrozenEncoder
from avsync.input_pipeline.evaluation import whole_clips
from avsync.models.aligner import Aligner
from avsync.models.encoders import precomputed
from avsync.models.heads import fusion_mlp
from avsync.types import WholeClip
from avsync.units import INT16_SCALE, LOOKAHEAD_SAMPLES, SAMPLES_PER_FRAME

STREAMS = ("visual", "audio")

# Distances from the end of the clip, in frames, whose changes are printed together.
DISTANCES = ((1, 1), (2, 2), (3, 5), (6, 15), (16, 40), (41, 1000))

Features = dict[str, Float[np.ndarray, "t d"]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("weights", "dataset", "data_dir"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--split", default="train")
    flags = parser.parse_args(arguments)
    encoder = build.make_extractor(
        Path(flags.weights), encoder="avhubert", streams=STREAMS, dtype="float32", trim="none"
    )
    source = open_source(flags.dataset, flags.split, data_dir=flags.data_dir)
    pairs = [both_ways(clip, encoder) for clip in whole_clips(source, trim="none")]
    changes: dict[tuple[int, int], list[float]] = {span: [] for span in DISTANCES}
    for without, with_more in pairs:
        change = np.linalg.norm(with_more["audio"] - without["audio"], axis=-1)
        change = (change / np.linalg.norm(without["audio"], axis=-1))[::-1]
        for first, last in DISTANCES:
            changes[first, last] += change[first - 1 : last].tolist()
    print(f"{len(pairs)} clips; relative change of the audio features")
    for (first, last), values in changes.items():
        if values:
            span = f"{first}" if first == last else f"{first} to {last}"
            print(f"frame {span:>10} from the end: median {np.median(values):.4f}")
    scores = np.array([[random_score(features) for features in pair] for pair in pairs])
    change, spread = np.abs(scores[:, 1] - scores[:, 0]), scores[:, 0].std()
    print(f"clip score: median change {np.median(change):.4f}, spread over clips {spread:.4f}")


def both_ways(clip: WholeClip, encoder: FrozenEncoder) -> tuple[Features, Features]:
    """The features of a clip without its last frame: of its own sound, and of 240 samples more."""
    num_frames = clip.info.num_frames - 1
    longest = num_frames * SAMPLES_PER_FRAME + LOOKAHEAD_SAMPLES
    waveform = clip.audio[:longest].astype(np.float32) / INT16_SCALE

    def extract(num_samples: int) -> Features:
        batch = EncoderBatch(
            frames=clip.visual[None, :num_frames],
            waveform=waveform[None],
            num_samples=np.array([num_samples], np.int32),
            valid=np.ones((1, num_frames), bool),
        )
        features = jax.jit(encoder.extract)(encoder.params, batch)
        return {stream: np.asarray(x[0], np.float32) for stream, x in features.items()}

    return extract(longest - LOOKAHEAD_SAMPLES), extract(longest)


def random_score(features: Features) -> float:
    """The clip score of AVH-Align with a random head."""
    encoders = {f"{stream}_encoder": precomputed.Encoder() for stream in STREAMS}
    model = Aligner(fusion_mlp.Head(), **encoders, edges="official")
    valid = jnp.ones((1, len(features["audio"])), bool)
    inputs = (*(jnp.asarray(features[stream][None]) for stream in STREAMS), valid)
    params = model.init(jax.random.key(0), *inputs)
    frames = scoring.frame_scores(model.apply(params, *inputs), name="logit")
    return float(scoring.clip_score(frames, valid, pooling="logsumexp")[0])


if __name__ == "__main__":
    main()
