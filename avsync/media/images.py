"""Decoded video frames as grey or colour images."""

import functools
from typing import no_type_check

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8
from numba import njit

Image = UInt8[np.ndarray, "h w *channels"]


class GreyImages:
    """Converts decoded frames to grey images."""

    def __init__(self) -> None:
        # Reused: setting up the conversion costs four times as much as converting a frame.
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "h w"]:
        if has_luma_plane(frame):
            return grey_from_luma(frame)
        return self._reformatter.reformat(frame, format="gray").to_ndarray()


class ColourImages:
    """Converts decoded frames to images with the channels red, green, blue."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "h w 3"]:
        return self._reformatter.reformat(frame, format="rgb24").to_ndarray()


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
@njit(cache=True)
@no_type_check
def _look_up(rows, levels, grey):
    """Fills `grey` with `levels[rows]`; rows may be padded to more than the width of `grey`."""
    for y in range(grey.shape[0]):
        for x in range(grey.shape[1]):
            grey[y, x] = levels[rows[y, x]]
