"""The faces of each frame: searched for in some frames, and known to be where they were between.

Searching takes longer than all the rest. Where a face was found at both ends of a second and the
picture around it hardly changed, it was not lost meanwhile.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from avsync.media.landmarks.base import FaceDetector
from avsync.media.likeness import fingerprints
from avsync.media.scene_cuts import Shot, mark_cuts

# Frames that are worked on at once, about. Landmarks take a third less time for 50 faces than for
# 10; more frames than that would take much memory if they are large.
RUN_FRAMES = 50

# Two boxes are one face if their intersection is at least this part of their union.
MIN_OVERLAP = 0.4

# A box drawn on the line between two detections is right if what is in it correlates so well with
# what is in either of them. On GRID 99 % of the right boxes do; with the box a tenth of its width
# off, where landmarks begin to go astray, 99 % do not.
MIN_LIKENESS = 0.65

# Rows and columns of a face that are compared.
COMPARED_AT = 16

# Where no face is seen, none is missed for longer: half a second, see `MIN_TRACK_FRAMES`.
MAX_BLIND_FRAMES = 12

Frame = UInt8[np.ndarray, "h w"]
Box = Float64[np.ndarray, "4"]
Boxes = Float64[np.ndarray, "_ 4"]
Points = Float64[np.ndarray, "68 2"]


class Face(NamedTuple):
    """A face in a frame."""

    box: Box
    landmarks: Points


class Seen(NamedTuple):
    """A frame, the faces it shows, and whether a new scene begins with it."""

    frame: Frame
    faces: list[Face]
    begins_scene: bool


def see_faces(frames: Iterable[Frame], detector: FaceDetector) -> Iterator[list[Seen]]:
    """All frames in their order, some dozens at a time, so that they may be those of a film.

    What is seen in a frame does not depend on how they are divided.
    """
    shots = mark_cuts(frames)
    every = detector.detect_every
    num_frames = max(1, RUN_FRAMES // every) * every
    run = list(itertools.islice(shots, 1))
    boxes = [detector.boxes(shot.frame) for shot in run]
    while run:
        run += itertools.islice(shots, num_frames)
        boxes = _Search(run, detector, first=boxes[0]).boxes()
        # The last of a full run is where the next one starts.
        num_done = num_frames if len(run) > num_frames else len(run)
        yield _place(run[:num_done], boxes, detector)
        run, boxes = run[num_done:], boxes[num_done:]


def matching(before: list[Box], after: list[Box]) -> list[tuple[int, int]]:
    """Indices of the same face in both lists, the surest pairs first; each face at most once."""
    # As plain numbers: for two boxes, arrays take ten times as long.
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


class _Search:
    """Where the faces are in a run of frames, those of the first one being known."""

    def __init__(self, run: list[Shot], detector: FaceDetector, *, first: Boxes):
        self._run = run
        self._detector = detector
        self._boxes = {0: first}

    def boxes(self) -> list[Boxes]:
        """The boxes of each frame."""
        last = len(self._run) - 1
        cuts = [index for index, shot in enumerate(self._run) if index and shot.begins_scene]
        # No face is drawn from one scene into the next.
        keys = {last, *range(0, last, self._detector.detect_every)}
        keys |= {index for cut in cuts for index in (cut - 1, cut)}
        for start, end in itertools.pairwise(sorted(keys | {0})):
            self._detect(end)
            self._fill(start, end)
        return [self._boxes[index] for index in range(len(self._run))]

    def _detect(self, index: int) -> None:
        self._boxes[index] = self._detector.boxes(self._run[index].frame)

    def _fill(self, start: int, end: int) -> None:
        """The boxes between two frames whose boxes are known."""
        if end - start <= 1:
            return
        drawn = self._drawn(start, end)
        if drawn is not None:
            self._boxes |= drawn
        else:
            # A face came, went or moved: when it did is narrowed down to a single frame.
            middle = (start + end) // 2
            self._detect(middle)
            self._fill(start, middle)
            self._fill(middle, end)

    def _drawn(self, start: int, end: int) -> dict[int, Boxes] | None:
        """The boxes between as drawn on the line from one to the other; None if they are not."""
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
            if (patches[1:-1] @ patches[[0, -1]].T).max(axis=1).min() < MIN_LIKENESS:
                return None
        return {
            start + n: np.array([line[n] for line in lines]).reshape(-1, 4)
            for n in range(1, end - start)
        }

    def _patches(self, start: int, boxes: Boxes) -> Float32[np.ndarray, "n k"]:
        """What the frames from `start` on show, each in its box, to be compared."""
        middles = (np.arange(COMPARED_AT) + 0.5) / COMPARED_AT
        points = boxes[:, None, :2] + middles[:, None] * (boxes[:, None, 2:] - boxes[:, None, :2])
        height, width = self._run[start].frame.shape
        points = np.clip(points.astype(np.intp), 0, (width - 1, height - 1))
        return fingerprints(
            np.stack(
                [
                    self._run[start + n].frame[rows[:, None], columns]
                    for n, (columns, rows) in enumerate(points.transpose(0, 2, 1))
                ]
            )
        )


def _place(run: list[Shot], boxes: list[Boxes], detector: FaceDetector) -> list[Seen]:
    """The frames with the landmarks of their faces."""
    seen = [Seen(shot.frame, [], shot.begins_scene) for shot in run]
    found = [(there, box) for there, here in zip(seen, boxes, strict=False) for box in here]
    if found:
        frames = [there.frame for there, _ in found]
        landmarks = detector.landmarks(frames, np.stack([box for _, box in found]))
        for (there, box), points in zip(found, landmarks, strict=True):
            there.faces.append(Face(box, points))
    return seen


def _overlap(one: list[float], other: list[float]) -> float:
    """Intersection over union."""
    (left, top, right, bottom), (x, y, x_end, y_end) = one, other
    shared = max(min(right, x_end) - max(left, x), 0) * max(min(bottom, y_end) - max(top, y), 0)
    areas = (right - left) * (bottom - top) + (x_end - x) * (y_end - y)
    return shared / (areas - shared) if shared else 0.0
