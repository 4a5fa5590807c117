"""The faces of each frame: searched for in some frames, and known to be where they were between.

Searching takes longer than all the rest. Where a face was found at both ends of a second and the
picture around it hardly changed, it was not lost meanwhile.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8

from avsync.prepare.landmarks.base import FaceDetector
from avsync.prepare.likeness import fingerprint
from avsync.prepare.scene_cuts import Shot, mark_cuts

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
    overlaps = [
        (_overlap(one, other), i, j)
        for i, one in enumerate(before)
        for j, other in enumerate(after)
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
        drawn = {index: np.empty((len(pairs), 4)) for index in range(start + 1, end)}
        for number, (i, j) in enumerate(pairs):
            ends = (self._patch(start, before[i]), self._patch(end, after[j]))
            for index, boxes in drawn.items():
                share = (index - start) / (end - start)
                boxes[number] = (1 - share) * before[i] + share * after[j]
                patch = self._patch(index, boxes[number])
                if max(patch @ known for known in ends) < MIN_LIKENESS:
                    return None
        return drawn

    def _patch(self, index: int, box: Box) -> np.ndarray:
        """What the frame shows in the box, to be compared."""
        frame = self._run[index].frame
        middles = (np.arange(COMPARED_AT) + 0.5) / COMPARED_AT
        points = box[:2] + middles[:, None] * (box[2:] - box[:2])
        height, width = frame.shape
        columns, rows = np.clip(points.astype(np.intp), 0, (width - 1, height - 1)).T
        return fingerprint(frame[rows[:, None], columns])


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


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0))
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared))
