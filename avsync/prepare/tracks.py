"""Which faces a clip shows over time, and which of them is the one that talks."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8

from avsync.prepare.landmarks.base import FaceDetector
from avsync.prepare.rejects import Reject

# Faces are detected in every so many frames and followed in between. On GRID the mouth's centre is
# then 0.17 pixels (of a face 125 wide) from where detection in every frame puts it, at a quarter of
# the time; every 5 frames 0.09, every 10 frames 0.15.
DETECT_EVERY = 15

# Two boxes are one face if their intersection is at least this part of their union.
MIN_OVERLAP = 0.4

# A face that was out of sight for longer than a second is another one.
MAX_UNSEEN_FRAMES = 25

# Seen for less than half a second it is a false alarm or a passer-by: not counted.
MIN_TRACK_FRAMES = 12

# With the face in fewer frames than this most of the crops would be guesses.
MIN_SEEN_SHARE = 0.5

# iBUG 300-W: the middle of the inner lips, above and below; the outer corners of the eyes.
UPPER_LIP, LOWER_LIP, RIGHT_EYE, LEFT_EYE = 62, 66, 36, 45

Box = Float64[np.ndarray, "4"]
Points = Float64[np.ndarray, "68 2"]


class Face(NamedTuple):
    """A face in a frame."""

    box: Box
    landmarks: Points


class Track(NamedTuple):
    """One face over time; [t 68 2], NaN where it was not seen."""

    landmarks: Float64[np.ndarray, "t 68 2"]

    @property
    def is_seen(self) -> np.ndarray:
        """bool [t]."""
        return ~np.isnan(self.landmarks[:, 0, 0])


def find_tracks(
    frames: UInt8[np.ndarray, "t h w"], detector: FaceDetector, *, detect_every: int = DETECT_EVERY
) -> list[Track]:
    """The faces of the clip, those seen for at least half a second."""
    return [t for t in _link(_faces(frames, detector, detect_every)) if _is_counted(t)]


def talking_track(tracks: list[Track]) -> Track:
    """The track whose mouth moves most, of those at least half as long as the longest.

    Length first, because the mouth of a face seen for a moment, or from afar, seems to move by
    the error of its landmarks alone. Raises `Reject` if there is none, or if it is seen in less
    than half of the frames.
    """
    if not tracks:
        raise Reject("no_face", f"no face is seen for {MIN_TRACK_FRAMES} frames")
    longest = max(track.is_seen.sum() for track in tracks)
    long_ones = [track for track in tracks if 2 * track.is_seen.sum() >= longest]
    chosen = max(long_ones, key=mouth_motion)
    seen, num_frames = chosen.is_seen.sum(), len(chosen.landmarks)
    if seen < MIN_SEEN_SHARE * num_frames:
        raise Reject(
            "face_lost",
            f"the face is seen in {seen} of {num_frames} frames; at least "
            f"{MIN_SEEN_SHARE:.0%} are needed",
        )
    return chosen


def mouth_motion(track: Track) -> float:
    """How much the mouth opens and closes: a standard deviation, in distances between the eyes."""
    points = track.landmarks[track.is_seen]
    opening = np.linalg.norm(points[:, UPPER_LIP] - points[:, LOWER_LIP], axis=-1)
    between_eyes = np.linalg.norm(points[:, RIGHT_EYE] - points[:, LEFT_EYE], axis=-1)
    return float(np.std(opening / np.maximum(between_eyes, 1.0)))


def _faces(
    frames: UInt8[np.ndarray, "t h w"], detector: FaceDetector, detect_every: int
) -> list[list[Face]]:
    """The faces of every frame: detected in some, followed in between where that is safe."""
    faces: list[list[Face]] = [[] for _ in frames]

    def detect(index: int) -> list[Face]:
        frame = frames[index]
        return [Face(box, detector.landmarks(frame, box)) for box in detector.boxes(frame)]

    def fill(start: int, end: int) -> None:
        """The faces between two frames whose faces are known."""
        if end - start <= 1:
            return
        pairs = _pairs(faces[start], faces[end])
        if len(pairs) == len(faces[start]) == len(faces[end]):
            for face in faces[start]:
                anchor = face
                for index in range(start + 1, end):
                    box = _moved(anchor, face.landmarks)
                    face = Face(box, detector.landmarks(frames[index], box))
                    faces[index].append(face)
        else:
            # A face came, went or jumped: when it did is narrowed down to a single frame.
            middle = (start + end) // 2
            faces[middle] = detect(middle)
            fill(start, middle)
            fill(middle, end)

    anchors = sorted({*range(0, len(frames), detect_every), len(frames) - 1})
    for index in anchors:
        faces[index] = detect(index)
    for start, end in itertools.pairwise(anchors):
        fill(start, end)
    return faces


def _link(faces: list[list[Face]]) -> list[Track]:
    """Faces joined over frames by the overlap with where they were last seen."""
    tracks: list[Track] = []
    last_seen: list[tuple[int, Face]] = []
    for index, here in enumerate(faces):
        live = [k for k, (when, _) in enumerate(last_seen) if index - when <= MAX_UNSEEN_FRAMES]
        pairs = {new: live[old] for old, new in _pairs([last_seen[k][1] for k in live], here)}
        for new, face in enumerate(here):
            if new not in pairs:
                pairs[new] = len(tracks)
                tracks.append(Track(np.full((len(faces), 68, 2), np.nan)))
                last_seen.append((index, face))
            tracks[pairs[new]].landmarks[index] = face.landmarks
            last_seen[pairs[new]] = (index, face)
    return tracks


def _pairs(before: list[Face], after: list[Face]) -> list[tuple[int, int]]:
    """Indices of the same face in both lists, the surest pairs first; each face at most once."""
    overlaps = [
        (_overlap(one.box, other.box), i, j)
        for i, one in enumerate(before)
        for j, other in enumerate(after)
    ]
    pairs: list[tuple[int, int]] = []
    for overlap, i, j in sorted(overlaps, reverse=True):
        if overlap >= MIN_OVERLAP and all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0))
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared))


def _moved(anchor: Face, landmarks: Points) -> Box:
    """The box of a detected face, moved and scaled as its landmarks have since.

    The predictor is trained on the detector's boxes, so where the box lies around the landmarks
    is taken from a detection and not from the landmarks themselves, which would drift.
    """
    was, now = anchor.landmarks.mean(axis=0), landmarks.mean(axis=0)
    growth = (landmarks - now).std() / (anchor.landmarks - was).std()
    return (now + (anchor.box.reshape(2, 2) - was) * growth).reshape(4)


def _is_counted(track: Track) -> bool:
    return int(track.is_seen.sum()) >= MIN_TRACK_FRAMES
