"""Faces are followed where that is safe, told apart, and the one that talks is chosen."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import ndimage

from avsync.media.rejects import Reject
from avsync.media.tracks import Track, find_tracks, mouth_motion, talking_track

SIZE = 40  # pixels of a drawn face
FACE = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 17), np.linspace(0.3, 0.9, 4)), -1).reshape(68, 2)

# Index of a frame to the corner (x, y) of a face, how wide its mouth is open, and whose face it is.
Drawn = dict[int, tuple[int, int, int, int]]


class DrawnFaces:
    """Finds whole squares of odd grey levels, whose middle tells how wide the mouth is open."""

    def __init__(self, detect_every: int = 15) -> None:
        self.detect_every = detect_every
        self.num_searched = 0

    def boxes(self, frame: np.ndarray) -> np.ndarray:
        self.num_searched += 1
        labelled = np.zeros(frame.shape, np.int32)
        ndimage.label(frame % 2, output=labelled)
        found = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labelled)]
        whole = [box for box in found if (box[2] - box[0], box[3] - box[1]) == (SIZE, SIZE)]
        return np.array(whole, np.float64).reshape(-1, 4)

    def landmarks(self, frames: Sequence[np.ndarray], boxes: np.ndarray) -> np.ndarray:
        return np.stack([self.points(*there) for there in zip(frames, boxes, strict=True)])

    def points(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Where the square near the middle of the box really is, however the box lies."""
        x, y = ((box[:2] + box[2:]) / 2).round().astype(int)
        reach = SIZE // 2 + 5
        left, top = max(0, x - reach), max(0, y - reach)
        rows, columns = np.nonzero(frame[top : y + reach, left : x + reach] % 2)
        points = SIZE * FACE + (left + columns.min(), top + rows.min())
        points[66, 1] = points[62, 1] + int(frame[y, x]) / 20
        return points


def draw(num_frames: int, *faces: Drawn) -> np.ndarray:
    """Frames with each face where it is given. Where it is not, half of it is out of sight."""
    frames = np.tile(_texture(0, 120, 200), (num_frames, 1, 1))
    for face in faces:
        for index in range(num_frames):
            x, y, opening, who = face[min(face, key=lambda known: abs(known - index))]
            texture = _texture(1 + who, SIZE, SIZE) + 1
            texture[17:23, 17:23] = 1 + 2 * opening
            height = SIZE if index in face else SIZE // 2
            frames[index, y : y + height, x : x + SIZE] = texture[:height]
    return frames


def _texture(seed: int, height: int, width: int) -> np.ndarray:
    """Patches of 8 x 8 pixels, of even grey levels."""
    coarse = np.random.default_rng(seed).integers(0, 128, (height // 8, width // 8))
    return 2 * coarse.repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)


def still(first: int, end: int, x: int = 20, who: int = 0) -> Drawn:
    return {index: (x, 30, 0, who) for index in range(first, end)}


def talking(first: int, end: int, x: int = 20) -> Drawn:
    return {index: (x, 30, 100 * (index % 2), 0) for index in range(first, end)}


def seen(track: Track) -> list[int]:
    return np.flatnonzero(track.is_seen).tolist()


def test_a_face_that_moves_is_followed_between_detections():
    moving = {index: (10 + 2 * index, 30 + index // 2, 0, 0) for index in range(60)}
    detector = DrawnFaces(detect_every=10)
    (track,) = find_tracks(draw(60, moving), detector)
    assert seen(track) == list(range(60))
    assert detector.num_searched < 20
    corners = track.landmarks.min(axis=1) - SIZE * FACE.min(axis=0)
    np.testing.assert_allclose(corners, [moving[index][:2] for index in range(60)])


def test_a_face_that_shakes_between_detections_is_searched_for_there():
    shaking = {index: (60 + round(30 * np.sin(index / 3)), 30, 0, 0) for index in range(61)}
    detector = DrawnFaces(detect_every=30)
    (track,) = find_tracks(draw(61, shaking), detector)
    left = track.landmarks.min(axis=1)[:, 0] - SIZE * FACE.min(axis=0)[0]
    np.testing.assert_allclose(left, [shaking[index][0] for index in range(61)])


def test_a_face_that_keeps_still_is_searched_for_no_more_often_than_it_must():
    detector = DrawnFaces(detect_every=25)
    find_tracks(draw(75, still(0, 75)), detector)
    assert detector.num_searched == 4  # frames 0, 25, 50 and 74


def test_when_a_face_is_gone_is_known_to_the_frame():
    (track,) = find_tracks(draw(80, still(0, 33) | still(46, 80)), DrawnFaces(detect_every=10))
    assert seen(track) == [*range(33), *range(46, 80)]


def test_a_face_that_is_gone_for_long_is_another_one():
    tracks = find_tracks(draw(120, still(0, 40) | still(80, 120)), DrawnFaces())
    assert [seen(track) for track in tracks] == [list(range(40)), list(range(80, 120))]


def test_a_cut_to_a_face_elsewhere_begins_another_track():
    tracks = find_tracks(draw(80, still(0, 37, x=20) | still(37, 80, x=120)), DrawnFaces())
    assert [seen(track) for track in tracks] == [list(range(37)), list(range(37, 80))]


def test_a_cut_to_another_face_at_the_same_place_begins_another_track():
    elsewhere = still(37, 80, x=120, who=2)  # of whom only half is seen before the cut
    spliced = still(0, 37, who=0) | still(37, 80, who=1)
    tracks = find_tracks(draw(80, spliced, elsewhere), DrawnFaces(detect_every=25))
    assert [seen(track) for track in tracks] == [list(range(37)), *[list(range(37, 80))] * 2]


def test_two_faces_are_told_apart_and_the_one_that_talks_is_chosen():
    frames = draw(60, still(0, 60, x=20), talking(0, 55, x=120))
    tracks = find_tracks(frames, DrawnFaces(detect_every=10))
    assert len(tracks) == 2
    chosen = talking_track(tracks)
    assert seen(chosen) == list(range(55))
    assert mouth_motion(chosen) > max(mouth_motion(t) for t in tracks if t is not chosen)


def test_a_face_seen_for_a_moment_is_not_chosen_however_it_moves_its_mouth():
    frames = draw(80, still(0, 80, x=20), talking(0, 30, x=120))
    assert seen(talking_track(find_tracks(frames, DrawnFaces()))) == list(range(80))


def test_a_face_seen_for_less_than_half_a_second_does_not_count():
    assert find_tracks(draw(50, still(20, 31)), DrawnFaces(detect_every=5)) == []


def test_no_face_is_rejected():
    with pytest.raises(Reject, match="no_face"):
        talking_track(find_tracks(draw(50), DrawnFaces()))


def test_a_face_seen_in_less_than_half_of_the_frames_is_rejected():
    with pytest.raises(Reject, match="face_lost: the face is seen in 20 of 50 frames"):
        talking_track(find_tracks(draw(50, still(0, 20)), DrawnFaces(detect_every=5)))
