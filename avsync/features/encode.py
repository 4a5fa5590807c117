"""Whole clips to features, by a frozen encoder on all devices of this host."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from avsync import parallel
from avsync.features.buckets import buckets
from avsync.types import ClipFeatures, Extraction, WholeClip
from avsync.units import INT16_SCALE, LOOKAHEAD_SAMPLES, SAMPLES_PER_FRAME


class Sounding(NamedTuple):
    """A batch of clips as an encoder takes it, padded behind; rows may be padding altogether.

    frames: uint8 [b t h w 1].
    waveform: float32 [b 640t+240] in [-1, 1]; `num_samples` of each row are the clip's own.
    valid: bool [b t].
    """

    frames: Any
    waveform: Any
    num_samples: Any
    valid: Any


# (params, batch) -> [b t d] by stream
Extract = Callable[[Any, Sounding], Mapping[str, jax.Array]]


class Extractor(NamedTuple):
    """A frozen encoder, its parameters, and what its features will be known by."""

    extract: Extract
    params: Any
    extraction: Extraction


class Encoder:
    """An extractor on the devices; its features come back in `dtype`.

    Each device takes `frames_per_batch` frames at once, or one clip if that has more.
    """

    def __init__(self, extractor: Extractor, *, frames_per_batch: int, dtype: str):
        def cast(params: Any, batch: Sounding) -> Mapping[str, jax.Array]:
            features = extractor.extract(params, batch)
            return jax.tree.map(lambda x: x.astype(jnp.dtype(dtype)), features)

        self._extract = parallel.map_scores(cast)
        self._params = parallel.replicate_here(extractor.params)
        self._frames_per_batch = frames_per_batch

    def encode(
        self, clips: Sequence[WholeClip], *, streams: Mapping[str, int], done: Callable[[int], None]
    ) -> list[ClipFeatures]:
        """The features of `clips`, in their order; `done` is told after each batch how many came.

        `streams` names the channels of each; a clip without frames gets features of length 0.
        """
        lengths = np.array([clip.info.num_frames for clip in clips])
        found: list[ClipFeatures | None] = [None] * len(clips)
        for i in np.flatnonzero(lengths == 0).tolist():
            empty = {name: np.zeros((0, size), np.float32) for name, size in streams.items()}
            found[i] = ClipFeatures(clips[i].info, empty)
        some = np.flatnonzero(lengths > 0)
        waiting: tuple[list[int], Any] | None = None
        for bucket in buckets(
            lengths[some],
            frames_per_batch=self._frames_per_batch,
            num_devices=jax.local_device_count(),
        ):
            places = [int(some[place]) for place in bucket.places]
            batch = _padded(
                [clips[i] for i in places],
                num_rows=bucket.num_rows,
                num_frames=bucket.num_frames,
            )
            features = self._extract(self._params, parallel.shard_batch(batch))
            # The batch before is fetched while this one runs.
            _collect(waiting, clips, found)
            waiting = (places, features)
            done(len(places))
        _collect(waiting, clips, found)
        return [features for features in found if features is not None]


def _collect(
    waiting: tuple[list[int], Any] | None,
    clips: Sequence[WholeClip],
    found: list[ClipFeatures | None],
) -> None:
    if waiting is None:
        return
    places, features = waiting
    features = parallel.to_host(features)
    for row, i in enumerate(places):
        info = clips[i].info
        own = {name: x[row, : info.num_frames].copy() for name, x in features.items()}
        found[i] = ClipFeatures(info, own)


def _padded(clips: list[WholeClip], *, num_rows: int, num_frames: int) -> Sounding:
    num_samples = num_frames * SAMPLES_PER_FRAME + LOOKAHEAD_SAMPLES
    batch = Sounding(
        frames=np.zeros((num_rows, num_frames, *clips[0].visual.shape[1:]), np.uint8),
        waveform=np.zeros((num_rows, num_samples), np.float32),
        num_samples=np.zeros(num_rows, np.int32),
        valid=np.zeros((num_rows, num_frames), bool),
    )
    for i, clip in enumerate(clips):
        n = clip.info.num_frames
        sound = _as_float(clip.audio)[: n * SAMPLES_PER_FRAME + LOOKAHEAD_SAMPLES]
        batch.frames[i, :n], batch.valid[i, :n] = clip.visual[:n], True
        batch.waveform[i, : len(sound)] = sound
        batch.num_samples[i] = len(sound)
    return batch


def _as_float(waveform: np.ndarray) -> np.ndarray:
    if waveform.dtype == np.int16:
        return waveform.astype(np.float32) / np.float32(INT16_SCALE)
    return waveform
