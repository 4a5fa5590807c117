"""AV-HuBERT's aligned mouth crop: 68 landmarks per frame to 96 x 96 grey crops.

As in the preprocessing of AV-HuBERT (Shi et al., ICLR 2022), each frame is aligned to a mean face
by a similarity transform smoothed over time, and cropped around its own mouth. Unlike there, crops
pass through no lossy codec, and only the pixels of the crop are computed.
"""

from collections.abc import Iterable
from typing import no_type_check

import numpy as np
from jaxtyping import Float, UInt8
from numba import njit

from avsync.units import CROP_PIXELS

# Points that speech hardly moves (tip of the nose ridge, corners of both eyes), and their places
# in AV-HuBERT's mean face, (x, y) on a canvas of 256 x 256 pixels.
STABLE_POINTS = (33, 36, 39, 42, 45)
MEAN_FACE = np.array(
    [
        (128.87018, 137.30253),
        (92.52246, 94.36876),
        (112.77242, 94.94361),
        (145.52512, 94.53500),
        (166.67710, 93.56562),
    ]
)
CANVAS_PIXELS = 256
MOUTH_POINTS = slice(48, 68)

# Frames over which the alignment is smoothed. The window looks ahead of its frame, as published.
SMOOTHING_FRAMES = 12

# The reference truncates pixels; the margin keeps float noise from turning 99.99999 into 99.
TRUNCATION_MARGIN = 1e-3


def crop_mouths(
    frames: Iterable[UInt8[np.ndarray, "h w"]], landmarks: Float[np.ndarray, "t_known 68 2"]
) -> UInt8[np.ndarray, "t 96 96 1"]:
    """Returns upright mouth crops of one scale, each centred on its own mouth.

    `landmarks` are (x, y) in pixels, none missing (see `fill_missing`), of these frames and of any
    that follow: with those of `SMOOTHING_FRAMES` more, a clip cropped in chunks equals one cropped
    at once. Pixels outside the frame are black.
    """
    crops = []
    mouths = landmarks[:, MOUTH_POINTS, 0] + 1j * landmarks[:, MOUTH_POINTS, 1]
    for frame, mouth, aligner in zip(
        frames, mouths.mean(axis=1), _aligners(landmarks), strict=False
    ):
        aligned = aligner.a * mouth + aligner.b
        corner = complex(_crop_start(aligned.real), _crop_start(aligned.imag))
        back = aligner.inverse()
        crop = np.empty((CROP_PIXELS, CROP_PIXELS), np.uint8)
        _sample(frame, back.a, back.a * corner + back.b, crop)
        crops.append(crop)
    return np.array(crops, np.uint8).reshape(-1, CROP_PIXELS, CROP_PIXELS, 1)


def fill_missing(landmarks: Float[np.ndarray, "t 68 2"]) -> Float[np.ndarray, "t 68 2"]:
    """Interpolates missing frames (NaN) linearly, and repeats the nearest landmarks at the ends.

    At least one frame must have landmarks.
    """
    known = np.flatnonzero(~np.isnan(landmarks).any(axis=(1, 2)))
    assert len(known) > 0, "a face track has at least one frame"
    everything = np.arange(len(landmarks))
    flat = landmarks.reshape(len(landmarks), -1)
    filled = [np.interp(everything, known, values) for values in flat[known].T]
    return np.stack(filled, axis=1).reshape(landmarks.shape)


class _Similarity:
    """Rotation, scale and translation of the plane: z -> a z + b with z = x + iy."""

    def __init__(self, a: complex, b: complex):
        self.a, self.b = a, b

    def inverse(self) -> "_Similarity":
        return _Similarity(1 / self.a, -self.b / self.a)


def _crop_start(centre: float) -> int:
    """The first pixel of a crop around the centre, within the canvas."""
    half = CROP_PIXELS // 2
    return round(min(max(float(centre), half), CANVAS_PIXELS - half)) - half


def _aligners(landmarks: Float[np.ndarray, "t 68 2"]) -> list[_Similarity]:
    """The similarity that maps each frame's smoothed stable points to the mean face.

    In complex numbers, the least-squares similarity without reflection (Umeyama, 1991) is a linear
    regression with one slope.
    """
    window = min(len(landmarks), SMOOTHING_FRAMES)
    stable = landmarks[:, STABLE_POINTS, 0] + 1j * landmarks[:, STABLE_POINTS, 1]
    smoothed = np.lib.stride_tricks.sliding_window_view(stable, window, axis=0).mean(axis=-1)
    target = MEAN_FACE[:, 0] + 1j * MEAN_FACE[:, 1]
    centre = smoothed.mean(axis=1, keepdims=True)
    spread = smoothed - centre
    slope = (spread.conj() @ (target - target.mean())) / (np.abs(spread) ** 2).sum(axis=1)
    shift = target.mean() - slope * centre[:, 0]
    aligners = [_Similarity(a, b) for a, b in zip(slope, shift, strict=True)]
    # The last frames have no full window ahead and keep the last alignment.
    return aligners + [aligners[-1]] * (window - 1)


# Compiled by numba, which knows no type checks.
@njit(cache=True, nogil=True)
@no_type_check
def _sample(frame, step, origin, crop):
    """Fills crop pixel (x, y) from the frame at `origin` + x `step` + y `step` i, bilinearly.

    Positions are complex numbers x + iy.
    """
    height, width = frame.shape
    for y in range(crop.shape[0]):
        for x in range(crop.shape[1]):
            column = origin.real + step.real * x - step.imag * y
            row = origin.imag + step.imag * x + step.real * y
            left, top = int(np.floor(column)), int(np.floor(row))
            value = 0.0
            for i in range(2):
                for j in range(2):
                    if 0 <= top + i < height and 0 <= left + j < width:
                        weight = (1 - abs(row - top - i)) * (1 - abs(column - left - j))
                        value += weight * frame[top + i, left + j]
            crop[y, x] = int(value + TRUNCATION_MARGIN)
