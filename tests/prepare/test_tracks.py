"""Faces are followed where that is safe, told apart, and the one that talks is chosen."""

import numpy as np
import pytest
from scipy import ndimage

from avsync.prepare.rejects import Reject
from avsync.prepare.tracks import Track, find_tracks, mouth_motion, talking_track

SIZE = 40  # pixels of a drawn face
FACE = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 17), np.linspace(0.3, 0.9, 4)), -1).reshape(68, 2)


class DrawnFaces:
    """Finds bright squares. A square's brightness, less 100, is how wide its mouth is open."""

    def __init__(self) -> None:
        self.num_searched = 0

    def boxes(self, frame: np.ndarray) -> np.ndarray:
        self.num_searched += 1
        labelled, _ = ndimage.label(frame >= 100)
        found = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labelled)]
        return np.array(found, np.float64).reshape(-1, 4)

    def landmarks(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Where the square near the middle of the box really is, however the box lies."""
        x, y = ((box[:2] + box[2:]) / 2).round().astype(int)
        reach = SIZE // 2 + 5
        left, top = max(0, x - reach), max(0, y - reach)
        rows, columns = np.nonzero(frame[top : y + reach, left : x + reach] >= 100)
        points = SIZE * FACE + (left + columns.min(), top + rows.min())
        points[66, 1] = points[62, 1] + (int(frame[y, x]) - 100) / 10
        return points


def draw(num_frames: int, *faces: dict[int, tuple[int, int, int]]) -> np.ndarray:
    """Frames in which each face is at (x, y) with its mouth open so wide, where it is given."""
    frames = np.zeros((num_frames, 120, 200), np.uint8)
    for face in faces:
        for index, (x, y, opening) in face.items():
            frames[index, y : y + SIZE, x : x + SIZE] = 100 + opening
    return frames


def still(first: int, end: int, x: int = 20) -> dict[int, tuple[int, int, int]]:
    return {index: (x, 30, 0) for index in range(first, end)}


def talking(first: int, end: int, x: int = 20) -> dict[int, tuple[int, int, int]]:
    return {index: (x, 30, 100 * (index % 2)) for index in range(first, end)}


def seen(track: Track) -> list[int]:
    return np.flatnonzero(track.is_seen).tolist()


def test_a_face_that_moves_is_followed_between_detections():
    moving = {index: (10 + 2 * index, 30 + index // 2, 0) for index in range(60)}
    detector = DrawnFaces()
    (track,) = find_tracks(draw(60, moving), detector, detect_every=10)
    assert seen(track) == list(range(60))
    assert detector.num_searched < 20
    corners = track.landmarks.min(axis=1) - SIZE * FACE.min(axis=0)
    np.testing.assert_allclose(corners, [moving[index][:2] for index in range(60)])


def test_when_a_face_is_gone_is_known_to_the_frame():
    (track,) = find_tracks(draw(80, still(0, 33) | still(46, 80)), DrawnFaces(), detect_every=10)
    assert seen(track) == [*range(33), *range(46, 80)]


def test_a_face_that_is_gone_for_long_is_another_one():
    tracks = find_tracks(draw(120, still(0, 40) | still(80, 120)), DrawnFaces())
    assert [seen(track) for track in tracks] == [list(range(40)), list(range(80, 120))]


def test_a_cut_to_a_face_elsewhere_begins_another_track():
    tracks = find_tracks(draw(80, still(0, 37, x=20) | still(37, 80, x=120)), DrawnFaces())
    assert [seen(track) for track in tracks] == [list(range(37)), list(range(37, 80))]


def test_two_faces_are_told_apart_and_the_one_that_talks_is_chosen():
    frames = draw(60, still(0, 60, x=20), talking(0, 55, x=120))
    tracks = find_tracks(frames, DrawnFaces(), detect_every=10)
    assert len(tracks) == 2
    chosen = talking_track(tracks)
    assert seen(chosen) == list(range(55))
    assert mouth_motion(chosen) > max(mouth_motion(t) for t in tracks if t is not chosen)


def test_a_face_seen_for_a_moment_is_not_chosen_however_it_moves_its_mouth():
    frames = draw(80, still(0, 80, x=20), talking(0, 30, x=120))
    assert seen(talking_track(find_tracks(frames, DrawnFaces()))) == list(range(80))


def test_a_face_seen_for_less_than_half_a_second_does_not_count():
    assert find_tracks(draw(50, still(20, 31)), DrawnFaces(), detect_every=5) == []


def test_no_face_is_rejected():
    with pytest.raises(Reject, match="no_face"):
        talking_track(find_tracks(draw(50), DrawnFaces()))


def test_a_face_seen_in_less_than_half_of_the_frames_is_rejected():
    with pytest.raises(Reject, match="face_lost: the face is seen in 20 of 50 frames"):
        talking_track(find_tracks(draw(50, still(0, 20)), DrawnFaces(), detect_every=5))
