"""Faces are tracked and distinguished, and the talking one is chosen."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import ndimage

from avsync.media.crop_store import open_store
from avsync.media.scene_cuts import mark_cuts
from avsync.media.tracks import MouthTrack, crop_tracks, talking_track
from tests.media.whole_files import landmarks_of_faces, seen_frames

SIZE = 40  # pixels of a drawn face
FACE = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 17), np.linspace(0.3, 0.9, 4)), -1).reshape(68, 2)

# Frame index to the corner (x, y) of a face, the opening of its mouth, and whose face it is.
Drawn = dict[int, tuple[int, int, int, int]]


class DrawnFaces:
    """Detects whole squares of odd grey levels, whose middle encodes the opening of the mouth."""

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
        """The landmarks of the square near the middle of the box, wherever the box lies."""
        x, y = ((box[:2] + box[2:]) / 2).round().astype(int)
        reach = SIZE // 2 + 5
        left, top = max(0, x - reach), max(0, y - reach)
        rows, columns = np.nonzero(frame[top : y + reach, left : x + reach] % 2)
        points = SIZE * FACE + (left + columns.min(), top + rows.min())
        points[66, 1] = points[62, 1] + int(frame[y, x]) / 20
        return points


def draw(num_frames: int, *faces: Drawn) -> np.ndarray:
    """Frames with each face in its given frames; in all others, half of it is out of sight."""
    frames = np.tile(_texture(0, 120, 200), (num_frames, 1, 1))
    for face in faces:
        for index in range(num_frames):
            x, y, opening, who = face[min(face, key=lambda known: abs(known - index))]
            texture = _texture(1 + who, SIZE, SIZE) + 1
            texture[17:23, 17:23] = 1 + 2 * opening
            texture[28:36, 6:34] += np.uint8(20 * (index % 2))  # the lips move
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


def talking_span(frames: np.ndarray) -> tuple[int, int]:
    """First and last frame of the face chosen as the talking one."""
    with open_store() as store:
        track = talking_track(crop_tracks(iter(frames), DrawnFaces(10), store=store))
    return track.first, track.last_seen


def test_a_face_that_moves_is_followed_between_detections():
    moving = {index: (10 + 2 * index, 30 + index // 2, 0, 0) for index in range(60)}
    detector = DrawnFaces(detect_every=10)
    (track,) = landmarks_of_faces(draw(60, moving), detector)
    assert seen_frames(track) == list(range(60))
    assert detector.num_searched < 20
    corners = track.min(axis=1) - SIZE * FACE.min(axis=0)
    np.testing.assert_allclose(corners, [moving[index][:2] for index in range(60)])


def test_a_face_that_shakes_between_detections_is_detected_more_often():
    shaking = {index: (60 + round(30 * np.sin(index / 3)), 30, 0, 0) for index in range(61)}
    detector = DrawnFaces(detect_every=30)
    (track,) = landmarks_of_faces(draw(61, shaking), detector)
    left = track.min(axis=1)[:, 0] - SIZE * FACE.min(axis=0)[0]
    np.testing.assert_allclose(left, [shaking[index][0] for index in range(61)])


def test_a_still_face_is_detected_once_per_interval():
    detector = DrawnFaces(detect_every=25)
    landmarks_of_faces(draw(75, still(0, 75)), detector)
    assert detector.num_searched == 4  # frames 0, 25, 50 and 74


def test_a_face_is_lost_and_found_to_the_frame():
    frames = draw(80, still(0, 33) | still(46, 80))
    (track,) = landmarks_of_faces(frames, DrawnFaces(detect_every=10))
    assert seen_frames(track) == [*range(33), *range(46, 80)]


def test_a_face_unseen_for_more_than_a_second_starts_another_track():
    tracks = landmarks_of_faces(draw(120, still(0, 40) | still(80, 120)), DrawnFaces())
    assert [seen_frames(track) for track in tracks] == [list(range(40)), list(range(80, 120))]


def test_a_cut_to_a_face_elsewhere_starts_another_track():
    tracks = landmarks_of_faces(draw(80, still(0, 37, x=20) | still(37, 80, x=120)), DrawnFaces())
    assert [seen_frames(track) for track in tracks] == [list(range(37)), list(range(37, 80))]


def test_a_face_goes_on_over_a_sudden_change_of_everything_else():
    frames = draw(80, still(0, 80))
    there = frames[37:, 30:70, 20:60].copy()
    frames[37:] = frames[37:, ::-1, ::-1]
    frames[37:, 30:70, 20:60] = there
    assert sum(shot.begins_scene for shot in mark_cuts(frames)) == 1
    tracks = landmarks_of_faces(frames, DrawnFaces())
    assert seen_frames(tracks[0]) == list(range(80))
    with open_store() as store:
        whole = crop_tracks(iter(frames), DrawnFaces(), store=store)[0]
    assert (whole.first, whole.last_seen, whole.meets_cut) == (0, 79, False)


def test_a_track_knows_that_a_cut_begins_or_ends_it():
    spliced = draw(80, still(0, 37, who=0) | still(37, 80, who=1))
    with open_store() as store:
        before, after = crop_tracks(iter(spliced), DrawnFaces(), store=store)
        assert (before.meets_cut, after.meets_cut) == (True, True)
        (whole,) = crop_tracks(iter(draw(50, still(0, 50))), DrawnFaces(), store=store)
        assert not whole.meets_cut


def test_a_cut_to_another_face_at_the_same_place_starts_another_track():
    elsewhere = still(37, 80, x=120, who=2)  # of whom only half is seen before the cut
    spliced = still(0, 37, who=0) | still(37, 80, who=1)
    tracks = landmarks_of_faces(draw(80, spliced, elsewhere), DrawnFaces(detect_every=25))
    assert [seen_frames(track) for track in tracks] == [list(range(37)), *[list(range(37, 80))] * 2]


def test_the_face_whose_mouth_moves_is_the_talking_one():
    frames = draw(60, still(0, 60, x=20), talking(0, 55, x=120))
    tracks = landmarks_of_faces(frames, DrawnFaces(detect_every=10))
    assert [seen_frames(track) for track in tracks] == [list(range(60)), list(range(55))]
    assert talking_span(frames) == (0, 54)


def test_a_face_seen_for_a_moment_is_not_chosen_however_its_mouth_moves():
    frames = draw(80, still(0, 80, x=20), talking(0, 30, x=120))
    assert talking_span(frames) == (0, 79)


def test_a_face_seen_for_less_than_half_a_second_is_ignored():
    assert landmarks_of_faces(draw(50, still(20, 31)), DrawnFaces(detect_every=5)) == []


def test_openings_and_eye_distances_are_measured_where_the_face_is_seen():
    face = still(0, 20) | {index: (20, 30, 100, 0) for index in range(30, 60)}
    with open_store() as store:
        (track,) = crop_tracks(iter(draw(60, face)), DrawnFaces(), store=store)
    assert isinstance(track, MouthTrack)
    assert (len(track.places), len(track.boxes)) == (60, 50)
    left, top, right, bottom = track.outline_boxes.T
    np.testing.assert_allclose(left, 20 + 0.1 * SIZE)
    np.testing.assert_allclose(right, 20 + 0.9 * SIZE)
    np.testing.assert_allclose(top, 30 + 0.3 * SIZE)
    # The lower lip is the lowest point: the opening of the mouth grows from frame 20 to 30.
    lip = 30 + 0.9 * SIZE
    np.testing.assert_allclose(bottom[[0, 19, 30, 59]], lip + np.array([1, 1, 201, 201]) / 20)
    assert track.seen_share == pytest.approx(50 / 60)
    eyes = SIZE * np.linalg.norm(FACE[36] - FACE[45])
    np.testing.assert_allclose(track.eye_distances, 50 * [eyes])
    across = SIZE * (FACE[62] - FACE[66])[0]  # the lips are drawn side by side
    np.testing.assert_allclose(track.openings[:20], np.hypot(across, 1 / 20) / eyes)
    np.testing.assert_allclose(track.openings[20:], np.hypot(across, 201 / 20) / eyes)


def test_a_picture_that_never_changes_is_still():
    face = {index: (30, 40, index % 5, 0) for index in range(40)}
    moving = draw(40, face)
    with open_store() as store:
        (track,) = crop_tracks(moving, DrawnFaces(), store=store)
        assert not track.is_still
        assert len(track.changes) == 39
        (track,) = crop_tracks(np.repeat(moving[:1], 40, axis=0), DrawnFaces(), store=store)
        assert track.is_still


def test_a_bar_over_the_mouth_is_still():
    frames = draw(40, {index: (30, 40, index % 5, 0) for index in range(40)})
    frames[:, 60:80, 30:70] = frames[0, 60:80, 30:70]
    with open_store() as store:
        (track,) = crop_tracks(frames, DrawnFaces(), store=store)
        assert track.is_still
