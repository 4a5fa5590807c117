"""Faces followed from frame to frame, their mouths cropped while the video is read."""

import contextlib
from array import array
from collections.abc import Iterable, Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numba import njit

from avsync.media.crop_store import CropStore
from avsync.media.faces import (
    MAX_BLIND_FRAMES,
    Box,
    DetectedFace,
    Points,
    SeenFrame,
    detect_faces,
    matching,
)
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_crop import SMOOTHING_FRAMES, crop_mouths, fill_missing
from avsync.media.read_ahead import Schedule, in_turn
from avsync.media.same_face import is_same_face

# A face that is unseen for longer than a second starts a new track when it returns.
MAX_UNSEEN_FRAMES = 25

# A face seen for less than half a second is a false detection or a passer-by, and is ignored.
MIN_TRACK_FRAMES = MAX_BLIND_FRAMES

# If a face is seen in a smaller share of the frames, most of its crops would be guesses.
MIN_SEEN_SHARE = 0.5

# The picture around a mouth changes from one frame to the next by a share of its contrast. In the
# liveliest 3 % of frames, those of 12 GRID speakers change by 0.32 or more, also at an eighth of
# the brightness; by 0.24 at 5 frames per second and 0.10 at half the size, when compressed to a
# blur. A still picture changes by 0.01, a bar over the mouth by up to 0.07: the landmarks under it
# wander to its edge. A bar that leaves a lip free, or a mask that follows the face, looks alive.
STILL = "the picture around the mouth does not move: a still picture, or something covers the mouth"
LIVELY_QUANTILE = 0.97
MIN_CHANGE = 0.07

# iBUG 300-W: the middle of the inner lips, above and below; the outer corners of the eyes.
UPPER_LIP, LOWER_LIP, RIGHT_EYE, LEFT_EYE = 62, 66, 36, 45
LIPS = slice(48, 68)


class MouthTrack:
    """One face from the first frame that shows it to the last, gaps interpolated.

    Attributes:
      first: index of its first frame.
      places: in the crop store, one for each frame.
      outlines: of its landmarks, four numbers for each frame, see `outline_boxes`.
      boxes: of the face, in the frames where it is seen.
      openings: of the mouth in those frames, in distances between the eyes.
      eye_distances: between the outer corners of the eyes in those frames, in pixels.
      changes: of the picture around the mouth from each frame to the next, over its contrast.
      meets_cut: True if a scene cut begins or ends it.
      head, tail: landmarks of its first and last `SMOOTHING_FRAMES` frames, once all are cropped.
    """

    def __init__(self, first: int):
        self.first = first
        self.places = array("q")
        self.outlines = array("f")
        self.boxes: list[Box] = []
        self.openings = array("d")
        self.eye_distances = array("d")
        self.changes = array("f")
        self.meets_cut = False
        self.head: list[Points] = []
        self.tail: list[Points] = []
        self._landmarks: list[Points] = []  # of the frames that are not cropped yet
        self._unmeasured: list[Points] = []

    @property
    def next_frame(self) -> int:
        """Index of its first frame that is not cropped yet."""
        return self.first + len(self.places)

    @property
    def last_seen(self) -> int:
        """Index of the last frame that shows it."""
        return self.next_frame + len(self._landmarks) - 1

    @property
    def seen_share(self) -> float:
        """The share of its frames in which it is seen rather than interpolated."""
        return len(self.boxes) / (self.last_seen - self.first + 1)

    @property
    def mouth_motion(self) -> float:
        """The standard deviation of `openings`."""
        return float(np.std(self.openings))

    @property
    def is_still(self) -> bool:
        """True if the picture around the mouth never changes."""
        changes = np.array(self.changes)
        return len(changes) > 0 and float(np.quantile(changes, LIVELY_QUANTILE)) < MIN_CHANGE

    @property
    def outline_boxes(self) -> Float32[np.ndarray, "t 4"]:
        """The extent of the landmarks of each frame in pixels: left, top, right, bottom.

        From cheek to cheek and from the eyebrows to the chin; interpolated where it is unseen.
        """
        return np.array(self.outlines, np.float32).reshape(-1, 4)

    def see(self, index: int, face: DetectedFace) -> None:
        """Adds the face in frame `index`; frames come in order."""
        if self._landmarks and (num_missing := index - self.last_seen - 1):
            between = np.full((num_missing + 2, 68, 2), np.nan)
            between[0], between[-1] = self._landmarks[-1], face.landmarks
            self._landmarks += list(fill_missing(between)[1:-1])
        self._landmarks.append(face.landmarks)
        self._unmeasured.append(face.landmarks)
        self.boxes.append(face.box)

    def crop(
        self, frames: Sequence[UInt8[np.ndarray, "h w"]], store: CropStore, *, num_held_back: int
    ) -> None:
        """Crops all but the last `num_held_back` of its frames; `frames` begin at `next_frame`."""
        self._measure()
        num_ready = len(self._landmarks) - num_held_back
        if num_ready > 0:
            self.head = self.head or self._landmarks[:SMOOTHING_FRAMES]
            self.tail = self._landmarks[-SMOOTHING_FRAMES:]
            crops = crop_mouths(frames[:num_ready], np.stack(self._landmarks))
            self.places.extend(store.add(crops))
            self._compare(frames[: num_ready + min(num_held_back, 1)])
            for landmarks in self._landmarks[:num_ready]:
                self.outlines.extend(_outline(landmarks))
            self._landmarks = self._landmarks[num_ready:]

    def _compare(self, frames: Sequence[UInt8[np.ndarray, "h w"]]) -> None:
        """Adds the change from each frame that is cropped now to the next one."""
        for one, other, landmarks in zip(frames, frames[1:], self._landmarks, strict=False):
            (left, top), (right, bottom) = landmarks[LIPS].min(axis=0), landmarks[LIPS].max(axis=0)
            rows = slice(max(0, int(top)), max(0, int(bottom)) + 1)
            columns = slice(max(0, int(left)), max(0, int(right)) + 1)
            here, there = (frame[rows, columns] for frame in (one, other))
            if here.size:
                self.changes.append(_change(here, there))

    def _measure(self) -> None:
        if self._unmeasured:
            landmarks = np.stack(self._unmeasured)
            eye_distances = _distances(landmarks, RIGHT_EYE, LEFT_EYE)
            openings = _distances(landmarks, UPPER_LIP, LOWER_LIP) / np.maximum(eye_distances, 1.0)
            self.eye_distances.extend(eye_distances)
            self.openings.extend(openings)
            self._unmeasured = []


def crop_tracks(
    frames: Iterable[UInt8[np.ndarray, "h w"]],
    detector: FaceDetector,
    *,
    store: CropStore,
    schedule: Schedule = in_turn,
) -> list[MouthTrack]:
    """Returns all faces in order of appearance; their crops go to `store`.

    `schedule` says when the faces of a chunk are found, see `avsync.media.read_ahead`.

    A scene cut ends them, unless the same face is at the same place after it.
    Buffers only as many frames as a face may be unseen, plus those that smoothing looks ahead. The
    crops of a face equal those of `crop_mouths` on all of its frames at once.
    """
    linker = FaceLinker()
    tracks: list[MouthTrack] = []
    live: list[MouthTrack] = []
    buffer: list[UInt8[np.ndarray, "h w"]] = []
    num_dropped, index = 0, 0
    with contextlib.closing(detect_faces(frames, detector, schedule=schedule)) as chunks:
        for chunk in chunks:
            buffer += [seen.frame for seen in chunk]
            for seen in chunk:
                for number, face in zip(linker.link(index, seen), seen.faces, strict=True):
                    if number == len(tracks):
                        tracks.append(MouthTrack(index))
                        live.append(tracks[-1])
                    tracks[number].see(index, face)
                if seen.begins_scene:
                    for track in live:
                        track.meets_cut |= track.last_seen == index - 1 or track.first == index
                index += 1
            for track in live:
                is_over = index - track.last_seen > MAX_UNSEEN_FRAMES
                num_held_back = 0 if is_over else SMOOTHING_FRAMES
                track.crop(
                    buffer[track.next_frame - num_dropped :], store, num_held_back=num_held_back
                )
            live = [track for track in live if index - track.last_seen <= MAX_UNSEEN_FRAMES]
            num_needless = min([track.next_frame for track in live], default=index)
            buffer, num_dropped = buffer[num_needless - num_dropped :], num_needless
    for track in live:
        track.crop(buffer[track.next_frame - num_dropped :], store, num_held_back=0)
    return tracks


def talking_track(tracks: Sequence[MouthTrack]) -> MouthTrack:
    """Returns the track whose mouth moves most, among those at least half as long as the longest.

    Length comes first: the mouth of a face seen for a moment, or from afar, seems to move by the
    error of its landmarks alone. There must be at least one track.
    """
    longest = max(len(track.boxes) for track in tracks)
    long_ones = [track for track in tracks if 2 * len(track.boxes) >= longest]
    return max(long_ones, key=lambda track: track.mouth_motion)


class FaceLinker:
    """Assigns faces to tracks by their overlap with where the tracks were last seen.

    Over a scene cut, the face just before it must also look like the one just after it.
    """

    def __init__(self) -> None:
        self.num_tracks = 0
        self._last_seen: dict[int, tuple[int, DetectedFace]] = {}
        self._last_frame: UInt8[np.ndarray, "h w"] | None = None

    def link(self, index: int, seen: SeenFrame) -> list[int]:
        """Returns the track number of each face in frame `index`; frames come in order."""
        max_unseen = 1 if seen.begins_scene else MAX_UNSEEN_FRAMES
        self._last_seen = {
            number: (when, face)
            for number, (when, face) in self._last_seen.items()
            if index - when <= max_unseen
        }
        live = list(self._last_seen)
        known = [face for _, face in self._last_seen.values()]
        pairs = matching([face.box for face in known], [face.box for face in seen.faces])
        linked = {
            new: live[old]
            for old, new in pairs
            if not seen.begins_scene or self._are_alike(known[old], seen.faces[new], seen.frame)
        }
        numbers = []
        for new, face in enumerate(seen.faces):
            if new not in linked:
                linked[new] = self.num_tracks
                self.num_tracks += 1
            self._last_seen[linked[new]] = (index, face)
            numbers.append(linked[new])
        if seen.begins_scene:
            self._last_seen = {number: self._last_seen[number] for number in numbers}
        self._last_frame = seen.frame
        return numbers

    def _are_alike(
        self, before: DetectedFace, after: DetectedFace, frame: UInt8[np.ndarray, "h w"]
    ) -> bool:
        assert self._last_frame is not None, "the first frame begins no scene"
        landmarks = (before.landmarks, after.landmarks)
        return is_same_face(self._last_frame, frame, landmarks=landmarks)


# Compiled by numba, which knows no type checks: NumPy takes longer to begin than to compute.
@njit(cache=True, nogil=True)
@no_type_check
def _change(here, there):
    """The mean change of grey levels over their standard deviation, which counts as 1 or more."""
    total = squares = difference = 0.0
    for y in range(here.shape[0]):
        for x in range(here.shape[1]):
            one, other = np.float64(here[y, x]), np.float64(there[y, x])
            total += one
            squares += one * one
            difference += abs(one - other)
    mean = total / here.size
    variance = max(squares / here.size - mean * mean, 1.0)
    return difference / here.size / np.sqrt(variance)


def _outline(landmarks: Points) -> list[float]:
    return [*landmarks.min(axis=0).tolist(), *landmarks.max(axis=0).tolist()]


def _distances(
    landmarks: Float64[np.ndarray, "t 68 2"], one: int, other: int
) -> Float64[np.ndarray, " t"]:
    return np.linalg.norm(landmarks[:, one] - landmarks[:, other], axis=-1)
