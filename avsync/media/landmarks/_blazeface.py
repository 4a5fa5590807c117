"""Decodes MediaPipe's detector of faces, BlazeFace (Bazarevsky et al., 2019), on a whole frame."""

import numpy as np
from jaxtyping import Complex64, Float32, UInt8

from avsync.media.landmarks._mediapipe import Network, Square

# Of its four detectors, the one for the rear camera of a telephone: at 256 pixels, it finds all of
# 22 faces (11 GRID talkers) down to 12 pixels, the others down to 20, 33, and 9 but not in noise.
MODEL = "face_detection_back.tflite"

# The model looks from 16 x 16 places at small faces, twice from each, and from 8 x 8 at large ones,
# six times.
GRIDS = ((16, 2), (8, 6))

# As in MediaPipe: a face is believed from a probability of one half on; two that overlap more
# (intersection over union) are one face, at their weighted mean.
MIN_LOGIT = 0.0
MAX_OVERLAP = 0.3

# Of the eight pairs of numbers of a face: its centre, its size, then six points, the first two of
# which are the eyes.
CENTRE, SIZE, RIGHT_EYE, LEFT_EYE = range(4)


class BlazeFace:
    """Finds faces of any pose, from a twentieth of the longer side of the frame on."""

    def __init__(self, *, detector: str):
        self._network = Network(MODEL, detector=detector)
        self._anchors = np.concatenate([_grid(*grid) for grid in GRIDS])

    def __call__(self, frame: UInt8[np.ndarray, "h w"]) -> list[Square]:
        """Returns the faces of a frame, turned as their eyes are, the most certain first."""
        height, width = frame.shape
        whole = Square(((width - 1) + (height - 1) * 1j) / 2, max(height, width))
        numbers, logits = self._network(frame, whole, scale=2 / 255, shift=-1.0)
        found = np.flatnonzero(logits >= MIN_LOGIT)
        pairs = numbers.reshape(-1, 8, 2)[found]
        pairs = pairs[..., 0] + 1j * pairs[..., 1]
        pairs[:, np.arange(8) != SIZE] += self._network.num_pixels * self._anchors[found, None]
        weights = 1 / (1 + np.exp(-logits[found]))
        return [self._in_frame(face, whole) for face in _distinct(pairs, weights)]

    def _in_frame(self, face: Complex64[np.ndarray, "8"], whole: Square) -> Square:
        centre = self._network.in_frame(face - (0.5 + 0.5j), whole)[CENTRE]
        side = max(face[SIZE].real, face[SIZE].imag) * whole.side / self._network.num_pixels
        return Square(
            complex(centre), float(side), float(np.angle(face[LEFT_EYE] - face[RIGHT_EYE]))
        )


def _grid(number: int, times: int) -> Complex64[np.ndarray, " n"]:
    """The middles of `number` x `number` cells of the unit square, each repeated, row by row."""
    middles = ((np.arange(number) + 0.5) / number).astype(np.float32)
    return (middles[None, :] + 1j * middles[:, None]).ravel().repeat(times).astype(np.complex64)


def _distinct(
    pairs: Complex64[np.ndarray, "n 8"], weights: Float32[np.ndarray, " n"]
) -> list[Complex64[np.ndarray, "8"]]:
    """Merges what overlaps (weighted non-maximum suppression), the most certain first."""
    faces = []
    rest = np.argsort(-weights)
    while len(rest):
        together = _overlaps(pairs[rest[0]], pairs[rest]) > MAX_OVERLAP
        together[0] = True  # a box of size 0 does not overlap itself
        same = rest[together]
        faces.append((weights[same] @ pairs[same]) / weights[same].sum())
        rest = rest[~together]
    return faces


def _overlaps(
    one: Complex64[np.ndarray, "8"], others: Complex64[np.ndarray, "n 8"]
) -> Float32[np.ndarray, " n"]:
    """Intersection over union with each of the others."""
    (start, end), (starts, ends) = _corners(one[None]), _corners(others)
    shared = np.minimum(end, ends) - np.maximum(start, starts)
    both = shared.clip(min=0).prod(axis=1)
    areas = (end - start).prod(axis=1) + (ends - starts).prod(axis=1)
    return both / np.maximum(areas - both, np.float32(1e-9))


def _corners(
    pairs: Complex64[np.ndarray, "n 8"],
) -> tuple[Float32[np.ndarray, "n 2"], Float32[np.ndarray, "n 2"]]:
    """The first and the last corner (x, y) of each box."""
    ends = (pairs[:, CENTRE] - pairs[:, SIZE] / 2, pairs[:, CENTRE] + pairs[:, SIZE] / 2)
    first, last = (np.stack([end.real, end.imag], axis=1) for end in ends)
    return first, last
