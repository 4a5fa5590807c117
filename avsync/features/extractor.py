"""Extracts features from whole clips with a frozen encoder, on all devices of this process."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float32, Int, Int32, UInt8

from avsync import parallel
from avsync.types import AnyArray, ClipFeatures, Extraction, WholeClip
from avsync.units import INT16_SCALE, LOOKAHEAD_SAMPLES, SAMPLES_PER_FRAME

# Clip lengths are rounded up to one of this many per octave: padding takes at most an eighth of a
# batch, and each octave of lengths compiles 8 shapes.
LENGTHS_PER_OCTAVE = 8
SHORTEST_FRAMES = 25


class EncoderBatch(NamedTuple):
    """The input of a frozen encoder; clips are padded at the end, and whole rows may be padding.

    waveform: samples in [-1, 1], 640 for each frame and LOOKAHEAD_SAMPLES more.
    num_samples: samples of each row that belong to its clip.
    """

    frames: UInt8[AnyArray, "*devices b t h w 1"]
    waveform: Float32[AnyArray, "*devices b s"]
    num_samples: Int32[AnyArray, "*devices b"]
    valid: Bool[AnyArray, "*devices b t"]


class FrozenEncoder(NamedTuple):
    """An encoder with its parameters and the record of how its features are extracted.

    extract: (params, batch) -> features [b t d] by stream.
    """

    extract: Callable[[Any, EncoderBatch], Mapping[str, jax.Array]]
    params: Any
    extraction: Extraction


class FeatureExtractor:
    """A frozen encoder on the devices of this process; features are returned in `dtype`.

    Each device processes `frames_per_batch` frames at once, or one clip if that is longer.
    """

    def __init__(self, encoder: FrozenEncoder, *, frames_per_batch: int, dtype: str):
        def extract(params: Any, batch: EncoderBatch) -> Mapping[str, jax.Array]:
            features = encoder.extract(params, batch)
            return jax.tree.map(lambda x: x.astype(jnp.dtype(dtype)), features)

        self._extract = parallel.map_scores(extract)
        self._params = parallel.replicate_local(encoder.params)
        self._frames_per_batch = frames_per_batch

    def extract(
        self,
        clips: Sequence[WholeClip],
        *,
        channels: Mapping[str, int],
        advance: Callable[[int], None],
    ) -> list[ClipFeatures]:
        """The features of `clips`, in their order; a clip without frames gets features [0 d].

        `channels` is the feature size of each stream. `advance` is called with the number of clips
        of each batch.
        """
        lengths = np.array([clip.info.num_frames for clip in clips])
        extracted: list[ClipFeatures | None] = [None] * len(clips)
        for i in np.flatnonzero(lengths == 0).tolist():
            empty = {name: np.zeros((0, size), np.float32) for name, size in channels.items()}
            extracted[i] = ClipFeatures(clips[i].info, empty)
        nonempty = np.flatnonzero(lengths > 0)
        running: tuple[list[int], Any] | None = None
        for bucket in buckets(
            lengths[nonempty],
            frames_per_batch=self._frames_per_batch,
            num_devices=jax.local_device_count(),
        ):
            indices = [int(nonempty[i]) for i in bucket.indices]
            batch = _padded(
                [clips[i] for i in indices],
                num_rows=bucket.num_rows,
                num_frames=bucket.num_frames,
            )
            features = self._extract(self._params, parallel.shard_batch(batch))
            # The previous batch is fetched while this one runs.
            _collect(running, clips, extracted)
            running = (indices, features)
            advance(len(indices))
        _collect(running, clips, extracted)
        return [features for features in extracted if features is not None]


class Bucket(NamedTuple):
    """Indices of the clips of one batch, and its size; rows beyond the clips are padding."""

    indices: list[int]
    num_rows: int
    num_frames: int


def buckets(
    lengths: Int[np.ndarray, " n"], *, frames_per_batch: int, num_devices: int
) -> list[Bucket]:
    """Batches of clips of similar length that cover each of `lengths` once, the longest first.

    Each device gets as many rows as fit `frames_per_batch` frames, at least one. The last batch has
    fewer rows, halved as often as possible, which keeps the number of compiled shapes small. With
    the longest clips first, a batch that does not fit into memory fails at the start.
    """
    order = np.argsort(-lengths, kind="stable").tolist()
    batches = []
    while order:
        num_frames = rounded_up(int(lengths[order[0]]))
        num_rows = max(frames_per_batch // num_frames, 1)
        while num_rows > 1 and (num_rows // 2) * num_devices >= len(order):
            num_rows //= 2
        num_rows *= num_devices
        batches.append(Bucket(order[:num_rows], num_rows, num_frames))
        order = order[num_rows:]
    return batches


def rounded_up(num_frames: int) -> int:
    """The smallest length to compile for that is at least `num_frames`."""
    if num_frames <= SHORTEST_FRAMES:
        return SHORTEST_FRAMES
    octave = int(np.floor(np.log2((num_frames - 1) / SHORTEST_FRAMES)))
    lowest = SHORTEST_FRAMES * 2**octave
    step = lowest / LENGTHS_PER_OCTAVE
    return int(np.ceil(lowest + step * np.ceil((num_frames - lowest) / step)))


def _collect(
    running: tuple[list[int], Any] | None,
    clips: Sequence[WholeClip],
    extracted: list[ClipFeatures | None],
) -> None:
    """Fetches the features of a batch from the devices into `extracted`."""
    if running is None:
        return
    indices, features = running
    features = parallel.to_host(features)
    for row, i in enumerate(indices):
        info = clips[i].info
        own = {name: x[row, : info.num_frames].copy() for name, x in features.items()}
        extracted[i] = ClipFeatures(info, own)


def _padded(clips: list[WholeClip], *, num_rows: int, num_frames: int) -> EncoderBatch:
    num_samples = num_frames * SAMPLES_PER_FRAME + LOOKAHEAD_SAMPLES
    batch = EncoderBatch(
        frames=np.zeros((num_rows, num_frames, *clips[0].visual.shape[1:]), np.uint8),
        waveform=np.zeros((num_rows, num_samples), np.float32),
        num_samples=np.zeros(num_rows, np.int32),
        valid=np.zeros((num_rows, num_frames), bool),
    )
    for i, clip in enumerate(clips):
        n = clip.info.num_frames
        waveform = _as_float(clip.audio)[: n * SAMPLES_PER_FRAME + LOOKAHEAD_SAMPLES]
        batch.frames[i, :n], batch.valid[i, :n] = clip.visual[:n], True
        batch.waveform[i, : len(waveform)] = waveform
        batch.num_samples[i] = len(waveform)
    return batch


def _as_float(waveform: np.ndarray) -> np.ndarray:
    if waveform.dtype == np.int16:
        return waveform.astype(np.float32) / np.float32(INT16_SCALE)
    return waveform
