"""Which faces a clip shows over time, and which of them is the one that talks."""

import itertools
from collections.abc import Iterable, Iterator
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
    runs = faces_in_runs(frames, detector, detect_every=detect_every)
    faces = [here for _, run in runs for here in run]
    return [track for track in _link(faces) if _is_counted(track)]


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
    return float(np.std(mouth_openings(track.landmarks[track.is_seen])))


def mouth_openings(landmarks: Float64[np.ndarray, "t 68 2"]) -> Float64[np.ndarray, " t"]:
    """How far the mouth is open in each frame, in distances between the eyes."""
    opening = np.linalg.norm(landmarks[:, UPPER_LIP] - landmarks[:, LOWER_LIP], axis=-1)
    between_eyes = np.linalg.norm(landmarks[:, RIGHT_EYE] - landmarks[:, LEFT_EYE], axis=-1)
    return opening / np.maximum(between_eyes, 1.0)


def faces_in_runs(
    frames: Iterable[UInt8[np.ndarray, "h w"]], detector: FaceDetector, *, detect_every: int
) -> Iterator[tuple[list[UInt8[np.ndarray, "h w"]], list[list[Face]]]]:
    """All frames in their order, `detect_every` at a time, and the faces of each.

    They are detected in the first frame of every run, and followed in between where that is safe;
    no more than one run is held, so that the frames may be those of a film.
    """
    frames = iter(frames)
    run = list(itertools.islice(frames, 1))
    faces = [_detected(frame, detector) for frame in run]
    while run:
        run += itertools.islice(frames, detect_every)
        if len(run) > 1:
            faces += [[] for _ in run[2:]] + [_detected(run[-1], detector)]
            _fill(run, faces, detector, start=0, end=len(run) - 1)
        # The last of a full run is where the next one starts.
        num_done = detect_every if len(run) > detect_every else len(run)
        yield run[:num_done], faces[:num_done]
        run, faces = run[num_done:], faces[num_done:]


class Linker:
    """Tells by their overlap with where faces were last seen whose face is whose."""

    def __init__(self) -> None:
        self.num_tracks = 0
        self._last_seen: dict[int, tuple[int, Face]] = {}

    def link(self, index: int, here: list[Face]) -> list[int]:
        """The number of the track that each face of frame `index` belongs to; frames in order."""
        self._last_seen = {
            number: (when, face)
            for number, (when, face) in self._last_seen.items()
            if index - when <= MAX_UNSEEN_FRAMES
        }
        live = list(self._last_seen)
        known = [face for _, face in self._last_seen.values()]
        found = {new: live[old] for old, new in _pairs(known, here)}
        numbers = []
        for new, face in enumerate(here):
            if new not in found:
                found[new] = self.num_tracks
                self.num_tracks += 1
            self._last_seen[found[new]] = (index, face)
            numbers.append(found[new])
        return numbers


def _detected(frame: UInt8[np.ndarray, "h w"], detector: FaceDetector) -> list[Face]:
    return [Face(box, detector.landmarks(frame, box)) for box in detector.boxes(frame)]


def _fill(
    run: list[UInt8[np.ndarray, "h w"]],
    faces: list[list[Face]],
    detector: FaceDetector,
    *,
    start: int,
    end: int,
) -> None:
    """The faces between two frames whose faces are known."""
    if end - start <= 1:
        return
    pairs = _pairs(faces[start], faces[end])
    if len(pairs) == len(faces[start]) == len(faces[end]):
        for face in faces[start]:
            anchor = face
            for index in range(start + 1, end):
                box = _moved(anchor, face.landmarks)
                face = Face(box, detector.landmarks(run[index], box))
                faces[index].append(face)
    else:
        # A face came, went or jumped: when it did is narrowed down to a single frame.
        middle = (start + end) // 2
        faces[middle] = _detected(run[middle], detector)
        _fill(run, faces, detector, start=start, end=middle)
        _fill(run, faces, detector, start=middle, end=end)


def _link(faces: list[list[Face]]) -> list[Track]:
    """Faces joined over frames by the overlap with where they were last seen."""
    linker = Linker()
    tracks: list[Track] = []
    for index, here in enumerate(faces):
        for number, face in zip(linker.link(index, here), here, strict=True):
            if number == len(tracks):
                tracks.append(Track(np.full((len(faces), 68, 2), np.nan)))
            tracks[number].landmarks[index] = face.landmarks
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
