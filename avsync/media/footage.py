"""A file of any length to its sound and the mouth crops of all its faces, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int16, UInt8

from avsync.media.crop_store import CropStore
from avsync.media.decode import Recording, open_video
from avsync.media.landmarks.base import FaceDetector
from avsync.media.read_ahead import in_turn, read_ahead
from avsync.media.read_options import ANY_FILE, ReadOptions
from avsync.media.remarks import remarks
from avsync.media.tracks import MouthTrack, crop_tracks
from avsync.units import FRAMES_PER_SECOND

# Frames between two calls of `advance`.
ADVANCE_FRAMES = 25

# As many frames are decoded while faces are found in those before, or eight of 1920 x 1080 pixels.
MAX_FRAMES_AHEAD = 50
MAX_BYTES_AHEAD = 16 * 2**20


class Footage(NamedTuple):
    """The frames of a file that have sound, and the faces in them.

    recording: the sound of these frames and the facts of the file.
    tracks: the faces; frame indices count from the first frame that has sound.
    has_speech: the frames with speech, see `avsync.media.speech`; empty if that was not asked for.
    """

    recording: Recording
    tracks: list[MouthTrack]
    has_speech: Bool[np.ndarray, " t"] = np.zeros(0, bool)

    @property
    def waveform(self) -> Int16[np.ndarray, " s"]:
        """The sound of the frames, 640 samples for each."""
        return self.recording.waveform

    @property
    def start_seconds(self) -> float:
        """The time of the first frame that has sound, after the start of the video."""
        return self.recording.num_leading_frames_cut / FRAMES_PER_SECOND

    @property
    def remark(self) -> str:
        """All that is unusual in the file, see `avsync.media.remarks`; "" for most files."""
        return "; ".join(remarks(self.recording.facts))


def read_footage(
    path: Path,
    detector: FaceDetector,
    *,
    store: CropStore,
    options: ReadOptions = ANY_FILE,
    advance: Callable[[int, int], None] | None = None,
) -> Footage:
    """Reads a file; the crops of its faces go to `store`. Raises `Reject`.

    `advance` is called every `ADVANCE_FRAMES` frames, and after the last one, with the number of
    frames read and of those expected.
    """
    with open_video(path, options) as video:
        schedule = in_turn if options.num_threads == 1 else read_ahead
        with schedule(video.frames(), is_full=_is_full) as frames:
            if advance:
                frames = _counted(frames, advance, num_expected=video.num_frames_expected)
            tracks = crop_tracks(frames, detector, store=store, schedule=schedule)
        return Footage(video.recording(), tracks)


def _is_full(frames: list[UInt8[np.ndarray, "h w"]]) -> bool:
    num_bytes = len(frames) * frames[0].nbytes
    return len(frames) >= MAX_FRAMES_AHEAD or num_bytes >= MAX_BYTES_AHEAD


def _counted(
    frames: Iterable[UInt8[np.ndarray, "h w"]],
    advance: Callable[[int, int], None],
    *,
    num_expected: int,
) -> Iterator[UInt8[np.ndarray, "h w"]]:
    number = 0
    for number, frame in enumerate(frames, start=1):
        yield frame
        if number % ADVANCE_FRAMES == 0:
            advance(number, max(number, num_expected))
    advance(number, number)
