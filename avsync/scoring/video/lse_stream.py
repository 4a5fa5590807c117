"""The LSE of a face whose crops stream by: a second of them is in memory, whatever the length."""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int16, UInt8

from avsync.models.frontend import mfcc
from avsync.models.syncnet import CEPSTRA_PER_FRAME, EMBEDDING, WINDOW_FRAMES, SyncNet
from avsync.scoring.lse import REACH_WINDOWS, distances
from avsync.scoring.video.clip_scorer import one_at_a_time
from avsync.units import FACE_PIXELS, SAMPLES_PER_FRAME

# A second of windows, embedded a few at a time: on CPUs, the convolutions of a window take 80 MB,
# and 5 windows at once are as fast as 25.
CHUNK_WINDOWS = 25
WINDOWS_AT_ONCE = 5

CHUNK_FRAMES = CHUNK_WINDOWS + WINDOW_FRAMES - 1

# The sound of a chunk: a frame before it, whose last sample the pre-emphasis needs, and the frame
# after it, into which its last window reaches.
CHUNK_SAMPLES = (1 + CHUNK_FRAMES + 1) * SAMPLES_PER_FRAME


class Network(NamedTuple):
    """SyncNet with its parameters, compiled for chunks of `CHUNK_WINDOWS` windows.

    faces: frames [29 224 224 3] to embeddings [25 1024].
    sound: samples [19840] to embeddings [25 1024].
    distances: embeddings of faces [25 1024] and of sound [55 1024] to distances [25 31].
    fingerprint: of its parameters; "" if unknown.
    """

    faces: Any
    sound: Any
    distances: Any
    fingerprint: str = ""


def make_network(params: Any) -> Network:
    """The network with the parameters of `avsync.convert.syncnet`."""
    params = jax.device_put(params)
    faces, sound = (one_at_a_time(jax.jit(embed)) for embed in (_embed_faces, _embed_sound))
    return Network(
        functools.partial(faces, params), functools.partial(sound, params), jax.jit(distances)
    )


def num_windows(num_frames: int) -> int:
    """The number of windows of a face with `num_frames` frames; the script leaves the last out."""
    return max(0, num_frames - WINDOW_FRAMES)


class LseStream:
    """Compares a face with its sound, crop by crop.

    `waveform` has 640 samples for each crop that will be added.

    Attributes:
      total: the sum of `avsync.scoring.lse.distances` over the windows compared so far.
      num_windows: of the whole face; all are compared once every crop is added.
    """

    def __init__(self, network: Network, waveform: Int16[np.ndarray, " s"]):
        self.num_windows = num_windows(len(waveform) // SAMPLES_PER_FRAME)
        self.total = np.zeros(2 * REACH_WINDOWS + 1)
        self._network, self._waveform = network, waveform
        self._crops: list[np.ndarray] = []
        self._num_compared = 0
        # Embeddings of sound from window `_first_heard` on. Before the first there are zeros.
        self._first_heard = -REACH_WINDOWS
        self._heard = np.zeros((REACH_WINDOWS, EMBEDDING), np.float32)

    def add(self, crop: UInt8[np.ndarray, "224 224 3"]) -> None:
        """Takes the next crop; ignores those that no window needs."""
        if self.is_complete:
            return
        self._crops.append(crop)
        number = min(self.num_windows - self._num_compared, CHUNK_WINDOWS)
        if len(self._crops) >= number + WINDOW_FRAMES - 1:
            self._compare(number)

    @property
    def is_complete(self) -> bool:
        """True if all windows are compared."""
        return self._num_compared == self.num_windows

    def _compare(self, number: int) -> None:
        """Compares the next `number` windows, the crops of which are at hand."""
        frames = np.zeros((CHUNK_FRAMES, FACE_PIXELS, FACE_PIXELS, 3), np.uint8)
        frames[: len(self._crops)] = self._crops
        first = self._num_compared - REACH_WINDOWS
        sound = self._sound(first, first + CHUNK_WINDOWS + 2 * REACH_WINDOWS)
        rows = np.asarray(self._network.distances(self._network.faces(frames), sound))
        self.total += rows[:number].sum(axis=0, dtype=np.float64)
        self._num_compared += number
        # A film has thousands of faces, each of which would keep its last crops.
        self._crops = [] if self.is_complete else self._crops[number:]

    def _sound(self, first: int, end: int) -> Float[np.ndarray, "n 1024"]:
        """Embeddings of windows [first, end) of the sound; zeros beyond the clip."""
        while self._first_heard + len(self._heard) < end:
            self._heard = np.concatenate([self._heard, self._embedded()])
        self._heard = self._heard[first - self._first_heard :]
        self._first_heard = first
        return self._heard[: end - first]

    def _embedded(self) -> Float[np.ndarray, "25 1024"]:
        """The next `CHUNK_WINDOWS` windows of sound; zeros beyond the clip."""
        window = self._first_heard + len(self._heard)
        rows = np.zeros((CHUNK_WINDOWS, EMBEDDING), np.float32)
        number = min(CHUNK_WINDOWS, self.num_windows - window)
        if number > 0:
            start = (window - 1) * SAMPLES_PER_FRAME
            samples = self._waveform[max(start, 0) : start + CHUNK_SAMPLES]
            before = max(-start, 0)
            padding = (before, CHUNK_SAMPLES - before - len(samples))
            rows[:number] = self._network.sound(np.pad(samples, padding))[:number]
        return rows


def _embed_faces(params: Any, frames: UInt8[Array, "n h w 3"]) -> Float[Array, "t 1024"]:
    firsts = np.arange(0, CHUNK_WINDOWS, WINDOWS_AT_ONCE)
    groups = frames[firsts[:, None] + np.arange(WINDOWS_AT_ONCE + WINDOW_FRAMES - 1)]

    def embed(group: UInt8[Array, "m h w 3"]) -> Any:
        return SyncNet().apply({"params": params}, group, method="faces")

    return jax.lax.map(embed, groups).reshape(CHUNK_WINDOWS, -1)


def _embed_sound(params: Any, samples: Int16[Array, " s"]) -> Any:
    return SyncNet().apply({"params": params}, chunk_cepstra(samples), method="sound")


def chunk_cepstra(samples: Int16[Array, " s"]) -> Float[Array, "m 13"]:
    """The MFCC of a chunk, equal to those of the whole clip; its first frame is only context."""
    return mfcc(samples[None])[0, CEPSTRA_PER_FRAME:]
