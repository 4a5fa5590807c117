"""The faces of a video that are scored, and the speakers among them."""

import numpy as np

from avsync.media.crop_store import open_store
from avsync.media.faces import DetectedFace
from avsync.media.tracks import MouthTrack
from avsync.scoring.video.face_selection import FaceSelection, select_faces

POINTS = np.random.default_rng(0).uniform(0, 100, (68, 2))


def face(opening: float) -> DetectedFace:
    points = POINTS.copy()
    points[66] = points[62] + (0, opening)
    return DetectedFace(np.array([0.0, 0.0, 100.0, 100.0]), points)


def track(first: int, end: int, *, motion: float = 0.0, every: int = 1) -> MouthTrack:
    """A face seen in every `every`-th frame of [first, end), its mouth opening up to `motion`."""
    track = MouthTrack(first)
    rng = np.random.default_rng(first + end)
    for index in range(first, end, every):
        track.see(index, face(motion * rng.uniform()))
    with open_store() as store:
        pictures = rng.integers(0, 256, (track.last_seen + 1 - first, 120, 120), np.uint8)
        track.crop(list(pictures), store, num_held_back=0)
    return track


def test_among_faces_visible_together_the_one_whose_mouth_moves_most_talks():
    listener, speaker = track(0, 100, motion=1), track(0, 100, motion=30)
    selection = select_faces([listener, speaker])
    assert selection.talking == [speaker]
    assert selection.others == [listener]


def test_the_faces_of_successive_shots_all_talk():
    shots = [track(0, 100, motion=9), track(100, 200, motion=5), track(200, 260, motion=7)]
    selection = select_faces(shots)
    assert set(selection.talking) == set(shots)
    assert selection.others == []


def test_a_passer_by_with_a_restless_mouth_does_not_talk():
    speaker, passer_by = track(0, 300, motion=10), track(50, 90, motion=60)
    selection = select_faces([speaker, passer_by])
    assert (selection.talking, selection.others) == ([speaker], [passer_by])


def test_a_face_seen_too_briefly_or_too_rarely_is_unusable_for_a_reason():
    brief, rare, glimpse = track(0, 20), track(0, 100, every=4), track(0, 8)
    selection = select_faces([brief, rare, glimpse])
    assert selection.talking == []
    assert [(face, reason.status) for face, reason in selection.unusable] == [
        (brief, "too_short"),
        (rare, "face_lost"),
    ]
    assert [reason.message for _, reason in selection.unusable] == [
        "the face is visible for 0.80 s; at least 1.00 s are needed",
        "the face is detected in 26% of its frames; at least 50% are needed",
    ]


def test_a_face_that_a_scene_cut_leaves_too_short_is_unusable_for_that_reason():
    brief = track(0, 20)
    brief.meets_cut = True
    [(_, reason)] = select_faces([brief]).unusable
    assert reason.status == "scene_cut"
    assert reason.message.startswith("the face is visible for 0.80 s, up to a scene cut;")


def test_without_faces_the_selection_is_empty():
    assert select_faces([]) == FaceSelection([], [], [])
