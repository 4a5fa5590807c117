"""A video stream as images at 25 fps, each placed by its timestamp."""

import av
import numpy as np

from avsync.media.images import ColourImages, GreyImages, Image
from avsync.media.rejects import Reject
from avsync.units import FRAMES_PER_SECOND

# A stream with a longer gap has broken timestamps.
MAX_GAP_SECONDS = 10.0


class FrameGrid:
    """Resamples a video stream to images on a 25 fps grid that starts at its first frame.

    Each grid point takes the frame nearest in presentation time, so frames are repeated or dropped
    as the rate requires; only frames that are used are converted. `num_frames` counts the grid
    frames so far. More than `max_bytes` of them are rejected.
    """

    def __init__(self, convert: GreyImages | ColourImages, *, max_bytes: int | None = None) -> None:
        self.num_frames = 0
        self.start_seconds = 0.0
        self.shape: tuple[int, ...] = ()  # (height, width), once there is a grid frame
        self._convert = convert
        self._max_bytes = max_bytes
        self._num_decoded = 0
        self._last: av.VideoFrame | None = None
        self._last_seconds = 0.0

    def add(self, frame: av.VideoFrame) -> list[Image]:
        """Takes the next frame in presentation order; returns the grid frames now complete."""
        seconds = frame.time
        if seconds is None:
            raise Reject("undecodable", f"video frame {self._num_decoded} has no presentation time")
        grid_frames = []
        if self._last is None:
            self.start_seconds = seconds
        else:
            if seconds - self._last_seconds > MAX_GAP_SECONDS:
                raise Reject(
                    "undecodable",
                    f"the video timestamps jump from {self._last_seconds:.2f} to {seconds:.2f} s",
                )
            grid_frames = self._repeat_last(until_seconds=(self._last_seconds + seconds) / 2)
        self._last, self._last_seconds = frame, seconds
        self._num_decoded += 1
        return grid_frames

    def finish(self) -> list[Image]:
        """Returns the grid frames of the last frame, whose duration is rounded to the grid."""
        if self._last is None:
            return []
        end_seconds = self._last_seconds + self._last_frame_seconds()
        return self._repeat_last(until_seconds=end_seconds - 0.5 / FRAMES_PER_SECOND + 1e-6)

    @property
    def frames_per_second(self) -> float:
        """The mean rate of the decoded frames, from their timestamps."""
        seconds = self._last_seconds - self.start_seconds
        return (self._num_decoded - 1) / seconds if seconds > 0 else 0.0

    def _last_frame_seconds(self) -> float:
        assert self._last is not None
        # Some containers state no duration, or that of a nominal rate the timestamps contradict.
        stated = float((self._last.duration or 0) * (self._last.time_base or 0))
        return max(stated, 1 / (self.frames_per_second or FRAMES_PER_SECOND))

    def _repeat_last(self, *, until_seconds: float) -> list[Image]:
        images: list[Image] = []
        image = None
        while self.start_seconds + self.num_frames / FRAMES_PER_SECOND < until_seconds:
            image = self._upright() if image is None else image
            height, width = image.shape[:2]
            self.shape = self.shape or (height, width)
            if (height, width) != self.shape:
                raise Reject(
                    "undecodable",
                    f"the frame size changes from {self.shape} to {(height, width)}",
                )
            if self._max_bytes and (self.num_frames + 1) * image.size > self._max_bytes:
                raise Reject(
                    "too_long",
                    f"more than {self.num_frames / FRAMES_PER_SECOND:.0f} s of "
                    f"{width} x {height} pixels; cut or scale the file",
                )
            images.append(image)
            self.num_frames += 1
        return images

    def _upright(self) -> Image:
        assert self._last is not None
        # The display matrix states the rotation in degrees, anticlockwise. Later stages need
        # contiguous rows, which neither FFmpeg's padded rows nor a rotated view have.
        turns = round(self._last.rotation / 90)
        return np.ascontiguousarray(np.rot90(self._convert(self._last), turns))
