"""Decoded video frames as grey or colour images."""

import functools
from typing import NamedTuple, no_type_check

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8
from numba import njit

Image = UInt8[np.ndarray, "h w *channels"]


# The widest and narrowest pixels that are believed: anamorphic cinema has 2, DV and DVD 0.9 to 1.5.
MAX_PIXEL_ASPECT = 4


class Size(NamedTuple):
    """The size of an image in pixels."""

    width: int
    height: int

    def with_square_pixels(self, pixel_aspect: float) -> "Size":
        """The size at which pixels `pixel_aspect` times as wide as high are square.

        It has no fewer pixels in either direction. An aspect that no camera has is ignored.
        """
        if not 1 / MAX_PIXEL_ASPECT <= pixel_aspect <= MAX_PIXEL_ASPECT:
            return self
        wide, high = max(pixel_aspect, 1.0), max(1 / pixel_aspect, 1.0)
        return Size(round(self.width * wide), round(self.height * high))

    def within(self, other: "Size") -> "Size":
        """The largest size of the same shape that fits into `other`."""
        scale = min(other.width / self.width, other.height / self.height)
        return Size(max(1, round(self.width * scale)), max(1, round(self.height * scale)))

    def turned(self, quarter_turns: int) -> "Size":
        """The size after rotation by quarter turns."""
        return Size(self.height, self.width) if quarter_turns % 2 else self


class GreyImages:
    """Converts decoded frames to grey images of a given size."""

    def __init__(self) -> None:
        # Reused: setting up the conversion costs four times as much as converting a frame.
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame, size: Size) -> UInt8[np.ndarray, "h w"]:
        if has_luma_plane(frame) and size == Size(frame.width, frame.height):
            return grey_from_luma(frame)
        return self._reformatter.reformat(frame, *size, format="gray").to_ndarray()


class ColourImages:
    """Converts decoded frames to images of a given size, in red, green and blue."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame, size: Size) -> UInt8[np.ndarray, "h w 3"]:
        return self._reformatter.reformat(frame, *size, format="rgb24").to_ndarray()


def has_luma_plane(frame: av.VideoFrame) -> bool:
    """Return whether luma is a separate plane with 8 bits per pixel, as in most video codecs."""
    luma = frame.format.components[0]
    is_plane = frame.format.is_planar and luma.is_luma and luma.bits == 8
    return is_plane and frame.planes[0].line_size >= frame.width  # negative: rows are upside down


def grey_from_luma(frame: av.VideoFrame) -> UInt8[np.ndarray, "h w"]:
    """Return FFmpeg's grey version of a frame with a luma plane, in a third of FFmpeg's time."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    grey = np.empty((frame.height, frame.width), np.uint8)
    _look_up(rows, _grey_levels(frame.format.name, frame.color_range, frame.colorspace), grey)
    return grey


@functools.lru_cache
def _grey_levels(format: str, color_range: int, colorspace: int) -> UInt8[np.ndarray, "256"]:
    """FFmpeg's grey level for each luma level, read off a frame that holds all of them."""
    ramp = av.VideoFrame(256, 2, format)
    ramp.color_range, ramp.colorspace = color_range, colorspace
    for number, plane in enumerate(ramp.planes):
        levels = np.full((plane.height, plane.line_size), 128, np.uint8)
        if number == 0:
            levels[:, :256] = np.arange(256)
        plane.update(levels.tobytes())
    return VideoReformatter().reformat(ramp, format="gray").to_ndarray()[0]


# Compiled by numba, which knows no type checks.
@njit(cache=True, nogil=True)
@no_type_check
def _look_up(rows, levels, grey):
    """Fills `grey` with `levels[rows]`; rows may be padded to more than the width of `grey`."""
    for y in range(grey.shape[0]):
        for x in range(grey.shape[1]):
            grey[y, x] = levels[rows[y, x]]
