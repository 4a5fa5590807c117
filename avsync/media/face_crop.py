"""SyncNet's face crop: 224 x 224 pixels in colour, as syncnet_python's `run_pipeline` cuts it.

The crop is a square of 1.4 times the side of the face box: it begins at the top of the box and has
the box in the middle between left and right. The box is smoothed over time. Unlike there, crops
pass through no lossy codec, and the box is not that of the S3FD detector: it is made of landmarks.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numba import njit
from scipy import ndimage

from avsync.media.container import OpenFile, open_file
from avsync.media.decoding import VideoDecoder
from avsync.media.frame_grid import FrameGrid
from avsync.media.images import ColourImages, Image
from avsync.units import FACE_PIXELS

# A face box of S3FD ends at the chin and the cheeks and covers the forehead, which has no
# landmarks. Its top is above the eyebrows by this share of their distance from the chin. On 12 GRID
# talkers, the box of MTCNN, which was trained on WIDER FACE as S3FD was, is 0.316 +- 0.029 higher
# than the eyebrows, 0.00 +- 0.04 lower than the chin, and 1.006 +- 0.031 as wide as the cheeks.
# The box of dlib's detector is 1.24 +- 0.10 times smaller.
FOREHEAD_SHARE = 0.316

CONTEXT_SHARE = 0.40  # of half the box's larger side, on each side of the crop
SMOOTHING_FRAMES = 13  # of the median, which sees zeros beyond the ends
PADDING_GREY = 110  # the colour of pixels outside the frame


class FacePath(NamedTuple):
    """Where a face is in each of its frames: the centre of its box and half its larger side.

    In pixels, smoothed over time.
    """

    x: Float64[np.ndarray, " t"]
    y: Float64[np.ndarray, " t"]
    half: Float64[np.ndarray, " t"]


def face_path(outlines: Float32[np.ndarray, "t 4"]) -> FacePath:
    """The path of a face, from the outline of its landmarks (`MouthTrack.outline_boxes`)."""
    left, brow, right, chin = outlines.astype(np.float64).T
    top = brow - FOREHEAD_SHARE * (chin - brow)
    half = np.maximum(right - left, chin - top) / 2
    series = ((left + right) / 2, (top + chin) / 2, half)
    return FacePath(*(_smoothed(values) for values in series))


def crop_face(
    frame: UInt8[np.ndarray, "h w 3"], path: FacePath, *, index: int
) -> UInt8[np.ndarray, "224 224 3"]:
    """The crop of frame `index` of a face; grey outside the frame."""
    x, y, half = path.x[index], path.y[index], path.half[index]
    reach = half * (1 + CONTEXT_SHARE)
    top, bottom = int(np.floor(y - half)), int(np.floor(y + half * (1 + 2 * CONTEXT_SHARE)))
    left, right = int(np.floor(x - reach)), int(np.floor(x + reach))
    crop = np.empty((FACE_PIXELS, FACE_PIXELS, 3), np.uint8)
    _resize(frame, top, left, max(bottom - top, 1), max(right - left, 1), crop)
    return crop


def colour_frames(path: Path, *, first: int, end: int) -> Iterator[Image]:
    """Frames [first, end) of a file's video on the 25 fps grid of `avsync.media.decode`, in colour.

    One frame is held at a time. Raises `Reject` for a file that cannot be decoded.
    """
    with open_file(path) as file:
        file.video.codec_context.thread_count = 0  # one per core
        yield from itertools.islice(_grid_frames(file), first, end)


def _grid_frames(file: OpenFile) -> Iterator[Image]:
    grid = FrameGrid(ColourImages(), pixel_aspect=file.pixel_aspect)
    for seconds, frame in VideoDecoder(file.container, file.video).frames():
        yield from grid.add(frame, seconds)
    yield from grid.finish()


def _smoothed(values: Float64[np.ndarray, " t"]) -> Float64[np.ndarray, " t"]:
    """The running median over 13 frames; those beyond the ends count as 0, as in the script."""
    # scipy.signal.medfilt does the same, but takes 0.65 CPU s to import, in every worker.
    return ndimage.median_filter(values, SMOOTHING_FRAMES, mode="constant")


# Compiled by numba, which knows no type checks.
@njit(cache=True, nogil=True)
@no_type_check
def _resize(frame, top, left, height, width, crop):
    """Fills `crop` with a rectangle of the frame, bilinearly, as OpenCV's `resize` does.

    Positions are those of pixel centres; beyond the rectangle its border is repeated.
    """
    num_rows, num_columns = frame.shape[:2]
    for y in range(crop.shape[0]):
        row = min(max((y + 0.5) * height / crop.shape[0] - 0.5, 0.0), height - 1.0)
        for x in range(crop.shape[1]):
            column = min(max((x + 0.5) * width / crop.shape[1] - 0.5, 0.0), width - 1.0)
            upper, before = int(row), int(column)
            for channel in range(3):
                value = 0.5  # rounds
                for i in range(2):
                    for j in range(2):
                        weight = (1 - abs(row - upper - i)) * (1 - abs(column - before - j))
                        at_row, at_column = top + upper + i, left + before + j
                        pixel = PADDING_GREY
                        if 0 <= at_row < num_rows and 0 <= at_column < num_columns:
                            pixel = frame[at_row, at_column, channel]
                        value += weight * pixel
                crop[y, x, channel] = int(value)
