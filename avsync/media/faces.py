"""The faces of each frame: detected in some frames, interpolated in those between.

Detection costs more than everything else together. A face that is detected at both ends of a second
and whose image hardly changes is assumed to be visible throughout.
"""

import itertools
from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from avsync.media.landmarks.base import FaceDetector
from avsync.media.read_ahead import Schedule, in_turn
from avsync.media.scene_cuts import MarkedFrame, fingerprints, mark_cuts

# Approximate number of frames processed at once; there are two such chunks at any time. Landmarks
# take a third less time for 50 faces than for 10; more large frames would take much memory.
CHUNK_FRAMES = 25

# Two boxes show the same face from this intersection over union on.
MIN_OVERLAP = 0.4

# An interpolated box is accepted if its content correlates this well with that of the detected box
# before or after it. On GRID, 99% of the right boxes do; with the box a tenth of its width off,
# where landmarks begin to fail, 99% do not.
MIN_CORRELATION = 0.65

# Faces are compared at this many rows and columns.
COMPARED_PIXELS = 16

# The longest stretch without faces that is not searched: half a second, see `MIN_TRACK_FRAMES`.
MAX_BLIND_FRAMES = 12

Frame = UInt8[np.ndarray, "h w"]
Box = Float64[np.ndarray, "4"]
Boxes = Float64[np.ndarray, "_ 4"]
Points = Float64[np.ndarray, "68 2"]


class DetectedFace(NamedTuple):
    """A face in a frame."""

    box: Box
    landmarks: Points


class SeenFrame(NamedTuple):
    """A frame, its faces, and whether a new scene begins with it."""

    frame: Frame
    faces: list[DetectedFace]
    begins_scene: bool


def detect_faces(
    frames: Iterable[Frame], detector: FaceDetector, *, schedule: Schedule = in_turn
) -> Generator[list[SeenFrame], None, None]:
    """Yields all frames in order, in chunks of some dozens; results do not depend on the chunks.

    With `schedule=read_ahead`, the boxes of a chunk are found while the landmarks of the one before
    it are placed, and while that is used.
    """
    with schedule(_find_boxes(frames, detector), is_full=bool) as found:
        for chunk, boxes in found:
            yield _with_landmarks(chunk, boxes, detector)


def _find_boxes(
    frames: Iterable[Frame], detector: FaceDetector
) -> Iterator[tuple[list[MarkedFrame], list[Boxes]]]:
    marked = mark_cuts(frames)
    every = detector.detect_every
    num_frames = max(1, CHUNK_FRAMES // every) * every
    chunk = list(itertools.islice(marked, 1))
    boxes = [detector.boxes(first.frame) for first in chunk]
    while chunk:
        chunk += itertools.islice(marked, num_frames)
        boxes = _BoxSearch(chunk, detector, first=boxes[0]).boxes()
        # The last frame of a full chunk starts the next one.
        num_done = num_frames if len(chunk) > num_frames else len(chunk)
        yield chunk[:num_done], boxes[:num_done]
        chunk, boxes = chunk[num_done:], boxes[num_done:]


def matching(before: list[Box], after: list[Box]) -> list[tuple[int, int]]:
    """Returns index pairs of the same face, largest overlap first; each face at most once."""
    # Plain numbers: for two boxes, arrays take ten times as long.
    overlaps = [
        (_overlap(one, other), i, j)
        for i, one in enumerate(box.tolist() for box in before)
        for j, other in enumerate(box.tolist() for box in after)
    ]
    pairs: list[tuple[int, int]] = []
    for overlap, i, j in sorted(overlaps, reverse=True):
        if overlap >= MIN_OVERLAP and all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs


class _BoxSearch:
    """Finds the boxes of all frames of a chunk, given those of its first frame."""

    def __init__(self, chunk: list[MarkedFrame], detector: FaceDetector, *, first: Boxes):
        self._chunk = chunk
        self._detector = detector
        self._boxes = {0: first}

    def boxes(self) -> list[Boxes]:
        """The boxes of each frame."""
        last = len(self._chunk) - 1
        cuts = [index for index, marked in enumerate(self._chunk) if index and marked.begins_scene]
        # Faces are not interpolated across a cut.
        keys = {last, *range(0, last, self._detector.detect_every)}
        keys |= {index for cut in cuts for index in (cut - 1, cut)}
        for start, end in itertools.pairwise(sorted(keys | {0})):
            self._detect(end)
            self._fill(start, end)
        return [self._boxes[index] for index in range(len(self._chunk))]

    def _detect(self, index: int) -> None:
        self._boxes[index] = self._detector.boxes(self._chunk[index].frame)

    def _fill(self, start: int, end: int) -> None:
        """Finds the boxes between two frames whose boxes are known."""
        if end - start <= 1:
            return
        interpolated = self._interpolate(start, end)
        if interpolated is not None:
            self._boxes |= interpolated
        else:
            # A face came, went or moved: bisect down to the frame.
            middle = (start + end) // 2
            self._detect(middle)
            self._fill(start, middle)
            self._fill(middle, end)

    def _interpolate(self, start: int, end: int) -> dict[int, Boxes] | None:
        """Linearly interpolated boxes; None if the faces do not match or look different."""
        before, after = self._boxes[start], self._boxes[end]
        if not len(before) and not len(after) and end - start > MAX_BLIND_FRAMES:
            return None
        pairs = matching(list(before), list(after))
        if not len(pairs) == len(before) == len(after):
            return None
        shares = (np.arange(start, end + 1) - start)[:, None] / (end - start)
        lines = [(1 - shares) * before[i] + shares * after[j] for i, j in pairs]
        for line in lines:
            patches = self._patches(start, line)
            if (patches[1:-1] @ patches[[0, -1]].T).max(axis=1).min() < MIN_CORRELATION:
                return None
        return {
            start + n: np.array([line[n] for line in lines]).reshape(-1, 4)
            for n in range(1, end - start)
        }

    def _patches(self, start: int, boxes: Boxes) -> Float32[np.ndarray, "n k"]:
        """Fingerprints of the box contents of the frames from `start` on, one box per frame."""
        middles = (np.arange(COMPARED_PIXELS) + 0.5) / COMPARED_PIXELS
        points = boxes[:, None, :2] + middles[:, None] * (boxes[:, None, 2:] - boxes[:, None, :2])
        height, width = self._chunk[start].frame.shape
        points = np.clip(points.astype(np.intp), 0, (width - 1, height - 1))
        return fingerprints(
            np.stack(
                [
                    self._chunk[start + n].frame[rows[:, None], columns]
                    for n, (columns, rows) in enumerate(points.transpose(0, 2, 1))
                ]
            )
        )


def _with_landmarks(
    chunk: list[MarkedFrame], boxes: list[Boxes], detector: FaceDetector
) -> list[SeenFrame]:
    seen = [SeenFrame(marked.frame, [], marked.begins_scene) for marked in chunk]
    faces = [(there, box) for there, here in zip(seen, boxes, strict=False) for box in here]
    if faces:
        frames = [there.frame for there, _ in faces]
        landmarks = detector.landmarks(frames, np.stack([box for _, box in faces]))
        for (there, box), points in zip(faces, landmarks, strict=True):
            there.faces.append(DetectedFace(box, points))
    return seen


def _overlap(one: list[float], other: list[float]) -> float:
    """Intersection over union."""
    (left, top, right, bottom), (x, y, x_end, y_end) = one, other
    shared = max(min(right, x_end) - max(left, x), 0) * max(min(bottom, y_end) - max(top, y), 0)
    areas = (right - left) * (bottom - top) + (x_end - x) * (y_end - y)
    return shared / (areas - shared) if shared else 0.0
