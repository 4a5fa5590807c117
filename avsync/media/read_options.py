"""Settings for reading a media file, and limits beyond which it is rejected."""

import contextlib
import math
from pathlib import Path
from typing import NamedTuple

from avsync.media.container import OpenFile, open_file


class ReadOptions(NamedTuple):
    """Settings for reading a file, and limits beyond which it is rejected.

    num_threads: number of threads that decode video; 0 is one per core. 1 is one for everything;
      otherwise, faces are found and cropped at the same time, in two more.
    max_bytes: largest total size of the grey frames; None for no limit.
    max_length_difference_seconds: largest difference in length of video and audio in a container
      that states no presentation times; with them, the common part of both is known.
    max_seconds: length of the longest stream.
    max_pixels: size of the largest frame; None for no limit.
    max_lost_share: of the frames, of the sound, and of the length that the header states, how much
      may be missing.
    audio_track: number of the sound among those of the file, from 1; None for the default one.
    sound: the file of the sound, if it is not in that of the video; both times count from 0.
    """

    num_threads: int = 0
    max_bytes: int | None = None
    max_length_difference_seconds: float = math.inf
    max_seconds: float = math.inf
    max_pixels: int | None = None
    max_lost_share: float = 0.9
    audio_track: int | None = None
    sound: Path | None = None

    def open(self, path: Path) -> contextlib.AbstractContextManager[OpenFile]:
        """The open file, as `open_file` returns it."""
        return open_file(
            path, max_pixels=self.max_pixels, audio_track=self.audio_track, sound=self.sound
        )


# Files of any length; what only one of the streams covers is left out.
ANY_FILE = ReadOptions()
