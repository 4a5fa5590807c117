"""Which faces a clip shows over time, and which of them is the one that talks."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8

from avsync.media.faces import MAX_BLIND_FRAMES, Face, Seen, matching, see_faces
from avsync.media.landmarks.base import FaceDetector
from avsync.media.rejects import Reject

# A face that was out of sight for longer than a second is another one.
MAX_UNSEEN_FRAMES = 25

# Seen for less than half a second it is a false alarm or a passer-by: not counted.
MIN_TRACK_FRAMES = MAX_BLIND_FRAMES

# With the face in fewer frames than this most of the crops would be guesses.
MIN_SEEN_SHARE = 0.5

# iBUG 300-W: the middle of the inner lips, above and below; the outer corners of the eyes.
UPPER_LIP, LOWER_LIP, RIGHT_EYE, LEFT_EYE = 62, 66, 36, 45


class Track(NamedTuple):
    """One face over time; [t 68 2], NaN where it was not seen."""

    landmarks: Float64[np.ndarray, "t 68 2"]

    @property
    def is_seen(self) -> np.ndarray:
        """bool [t]."""
        return ~np.isnan(self.landmarks[:, 0, 0])


def find_tracks(frames: UInt8[np.ndarray, "t h w"], detector: FaceDetector) -> list[Track]:
    """The faces of the clip, those seen for at least half a second. A scene cut ends them all."""
    seen = [frame for run in see_faces(frames, detector) for frame in run]
    return [track for track in _link(seen) if _is_counted(track)]


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


class Linker:
    """Tells by their overlap with where faces were last seen whose face is whose."""

    def __init__(self) -> None:
        self.num_tracks = 0
        self._last_seen: dict[int, tuple[int, Face]] = {}

    def link(self, index: int, seen: Seen) -> list[int]:
        """The number of the track that each face of frame `index` belongs to; frames in order."""
        self._last_seen = {
            number: (when, face)
            for number, (when, face) in self._last_seen.items()
            if index - when <= MAX_UNSEEN_FRAMES and not seen.begins_scene
        }
        live = list(self._last_seen)
        known = [face.box for _, face in self._last_seen.values()]
        pairs = matching(known, [face.box for face in seen.faces])
        found = {new: live[old] for old, new in pairs}
        numbers = []
        for new, face in enumerate(seen.faces):
            if new not in found:
                found[new] = self.num_tracks
                self.num_tracks += 1
            self._last_seen[found[new]] = (index, face)
            numbers.append(found[new])
        return numbers


def _link(seen: list[Seen]) -> list[Track]:
    """Faces joined over frames by the overlap with where they were last seen."""
    linker = Linker()
    tracks: list[Track] = []
    for index, here in enumerate(seen):
        for number, face in zip(linker.link(index, here), here.faces, strict=True):
            if number == len(tracks):
                tracks.append(Track(np.full((len(seen), 68, 2), np.nan)))
            tracks[number].landmarks[index] = face.landmarks
    return tracks


def _is_counted(track: Track) -> bool:
    return int(track.is_seen.sum()) >= MIN_TRACK_FRAMES
