"""A video stream as images at 25 fps, each placed by its timestamp."""

import av
import numpy as np
from jaxtyping import UInt8

from avsync.media.images import ColourImages, GreyImages, Image, Size
from avsync.media.rejects import Reject
from avsync.units import FRAMES_PER_SECOND


class FrameGrid:
    """Resamples a video stream to images on a 25 fps grid that starts at its first frame.

    Each grid point takes the frame nearest in presentation time, so frames are repeated or dropped
    as the rate requires; only frames that are used are converted. In a gap of any length, the
    frames at both ends are repeated. `num_decoded` counts frames, `num_frames` those of the grid.
    More than `max_bytes` of grid frames are rejected.

    Frames are shown with square pixels, the way up that the file states, and all as large as the
    first: a frame of another size is scaled to fit, with black borders where its shape differs.
    """

    def __init__(
        self,
        convert: GreyImages | ColourImages,
        *,
        pixel_aspect: float = 1.0,
        max_bytes: int | None = None,
    ) -> None:
        self.num_frames = 0
        self.num_size_changes = 0
        self.start_seconds = 0.0
        self.size: Size | None = None  # of the grid frames, once there is one
        self._coded_size: Size | None = None
        self._pixel_aspect = pixel_aspect
        self._convert = convert
        self._max_bytes = max_bytes
        self.num_decoded = 0
        self._last: av.VideoFrame | None = None
        self._last_seconds = 0.0

    def add(self, frame: av.VideoFrame, seconds: float) -> list[Image]:
        """Takes the next frame shown, at `seconds`; returns the grid frames now complete."""
        grid_frames = []
        if self._last is None:
            self.start_seconds = seconds
        else:
            grid_frames = self._repeat_last(until_seconds=(self._last_seconds + seconds) / 2)
        self._last, self._last_seconds = frame, seconds
        self.num_decoded += 1
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
        return (self.num_decoded - 1) / seconds if seconds > 0 else 0.0

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
            if self._max_bytes and (self.num_frames + 1) * image.size > self._max_bytes:
                raise Reject(
                    "too_long",
                    f"more than {self.num_frames / FRAMES_PER_SECOND:.0f} s of "
                    f"{image.shape[1]} x {image.shape[0]} pixels; cut or scale the file",
                )
            images.append(image)
            self.num_frames += 1
        return images

    def _upright(self) -> Image:
        frame = self._last
        assert frame is not None
        # The display matrix states the rotation in degrees, anticlockwise.
        turns = round(frame.rotation / 90)
        coded = Size(frame.width, frame.height)
        self.num_size_changes += self._coded_size not in (None, coded)
        self._coded_size = coded
        shown = coded.with_square_pixels(self._pixel_aspect)
        self.size = self.size or shown.turned(turns)
        shown = shown if shown.turned(turns) == self.size else shown.within(self.size.turned(turns))
        image = self._convert(frame, shown)
        return _centred(np.rot90(image, turns) if turns else image, self.size)


def _centred(image: Image, size: Size) -> UInt8[np.ndarray, "rows columns *channels"]:
    """The image in the middle of one of `size`, which is black elsewhere.

    Its rows are contiguous: those of FFmpeg are padded, and a rotated view has none.
    """
    height, width = image.shape[:2]
    if (width, height) == size:
        return np.ascontiguousarray(image)
    large = np.zeros((size.height, size.width, *image.shape[2:]), np.uint8)
    top, left = (size.height - height) // 2, (size.width - width) // 2
    large[top : top + height, left : left + width] = image
    return large
