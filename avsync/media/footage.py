"""A file of any length to its sound and the mouths of all its faces, in bounded memory.

The file is read twice: its sound first, which is small, so that a file without any is known at
once, and so that its picture need not be kept beyond what has sound.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Int16, UInt8

from avsync.media.clips import require_sound
from avsync.media.crop_store import CropStore
from avsync.media.decode import MAX_LENGTH_DIFFERENCE_SECONDS, OpenFile, common_span, open_file
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_tracks import MouthTrack, crop_tracks
from avsync.media.rejects import Reject
from avsync.media.streams import Picture, Sound
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE


class Footage(NamedTuple):
    """The frames of a file that have sound, and who is seen in them.

    waveform: of all these frames, 640 samples for each.
    tracks: the faces, whose frames count from the first that has sound; [] if there are none.
    start_seconds: of that frame, after the start of the picture.
    remark: of streams that differ in length by more than codecs make them; "" if they do not.
    """

    waveform: Int16[np.ndarray, " s"]
    tracks: list[MouthTrack]
    start_seconds: float
    remark: str


def read_footage(path: Path, detector: FaceDetector, *, store: CropStore) -> Footage:
    """What the file shows and sounds; crops go to `store`. Raises `Reject`.

    Unlike a clip to train on, a file may have more of one stream than of the other: times say what
    belongs together, and the rest is left out with a remark.
    """
    with open_file(path) as file:
        start_seconds, samples = _read_sound(file)
    require_sound(samples)
    with open_file(path) as file:
        # One file at a time, where preparing a dataset takes one on each core.
        file.video.codec_context.thread_count = 0
        reel = _Reel(file, sound_start_seconds=start_seconds, num_samples=len(samples))
        tracks = crop_tracks(reel.frames(), detector, store=store)
    # Only now it is known how long the picture is.
    span = common_span(
        delay_seconds=reel.delay_seconds,
        num_samples=len(samples),
        num_frames=reel.num_frames,
    )
    return Footage(
        waveform=span.waveform(samples),
        tracks=tracks,
        start_seconds=span.first / FRAMES_PER_SECOND,
        remark=_remark(len(samples) / SAMPLE_RATE, reel.picture_seconds),
    )


def _read_sound(file: OpenFile) -> tuple[float, Int16[np.ndarray, " s"]]:
    """When the sound starts, and its samples at 16 kHz."""
    sound = Sound()
    for frame in file.container.decode(file.audio):
        sound.add(frame)
    samples = sound.finish()
    if not len(samples):
        raise Reject("no_audio", "not one sample of the audio stream could be decoded")
    return sound.start_seconds, samples


class _Reel:
    """The frames of a file that have sound, one after the other, and what is known at their end."""

    def __init__(self, file: OpenFile, *, sound_start_seconds: float, num_samples: int):
        self._file = file
        self._sound_start_seconds, self._num_samples = sound_start_seconds, num_samples
        self._picture = Picture()
        self._end_seconds = 0.0

    @property
    def num_frames(self) -> int:
        """Those of the picture that were read, with sound or without."""
        return self._picture.num_frames

    @property
    def delay_seconds(self) -> float:
        """How much later than the picture the sound starts."""
        return self._sound_start_seconds - self._picture.start_seconds

    @property
    def picture_seconds(self) -> float:
        """The length of the whole picture, beyond what was decoded as its packets state it."""
        stated = self._end_seconds - self._picture.start_seconds
        return max(self._picture.num_frames / FRAMES_PER_SECOND, stated)

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w"]]:
        """Raises `Reject` if there are none, or if sound and picture share too few."""
        index = 0
        for taken in self._taken():
            # The first frame is there: so is the start of the picture.
            span = common_span(
                delay_seconds=self.delay_seconds, num_samples=self._num_samples, num_frames=None
            )
            for frame in taken:
                if span.first <= index < span.end:
                    yield frame
                index += 1
            if index >= span.end:
                break
        if not index:
            raise Reject("no_video", "not one frame of the video stream could be decoded")
        for packet in self._file.container.demux(self._file.video):
            self._note(packet)

    def _taken(self) -> Iterator[list[UInt8[np.ndarray, "h w"]]]:
        for packet in self._file.container.demux(self._file.video):
            self._note(packet)
            for frame in packet.decode():
                self._picture.add(frame)
                if self._picture.frames:
                    yield self._picture.take()
        self._picture.finish()
        if self._picture.frames:
            yield self._picture.take()

    def _note(self, packet: av.Packet) -> None:
        if packet.pts is not None and packet.time_base is not None:
            end_seconds = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self._end_seconds = max(self._end_seconds, end_seconds)


def _remark(sound_seconds: float, picture_seconds: float) -> str:
    if abs(sound_seconds - picture_seconds) <= MAX_LENGTH_DIFFERENCE_SECONDS:
        return ""
    return (
        f"{sound_seconds:.2f} s of sound for {picture_seconds:.2f} s of picture: what only one of "
        "them has is left out"
    )
