"""Which faces of a film are scored, and which of them talk."""

import numpy as np

from avsync.media.crop_store import open_store
from avsync.media.faces import DetectedFace
from avsync.media.tracks import MouthTrack
from avsync.scoring.video import people

BLACK = np.zeros((8, 8), np.uint8)

POINTS = np.random.default_rng(0).uniform(0, 100, (68, 2))


def face(opening: float) -> DetectedFace:
    points = POINTS.copy()
    points[66] = points[62] + (0, opening)
    return DetectedFace(np.array([0.0, 0.0, 100.0, 100.0]), points)


def track(first: int, end: int, *, moves: float = 0.0, every: int = 1) -> MouthTrack:
    """Seen in every so many frames of [first, end), with a mouth that moves so much."""
    found = MouthTrack(first)
    rng = np.random.default_rng(first + end)
    for index in range(first, end, every):
        found.see(index, face(moves * rng.uniform()))
    with open_store() as store:
        found.crop([BLACK] * (found.last_seen + 1 - first), store, num_held_back=0)
    return found


def test_of_faces_seen_together_the_one_whose_mouth_moves_talks():
    listener, talker = track(0, 100, moves=1), track(0, 100, moves=30)
    found = people.choose([listener, talker])
    assert found.talking == [talker]
    assert found.others == [listener]


def test_faces_of_one_shot_after_another_all_talk():
    shots = [track(0, 100, moves=9), track(100, 200, moves=5), track(200, 260, moves=7)]
    found = people.choose(shots)
    assert set(found.talking) == set(shots)
    assert found.others == []


def test_a_passer_by_with_a_restless_mouth_does_not_talk():
    talker, passer_by = track(0, 300, moves=10), track(50, 90, moves=60)
    found = people.choose([talker, passer_by])
    assert (found.talking, found.others) == ([talker], [passer_by])


def test_a_face_seen_too_shortly_or_too_seldom_is_named_with_its_reason():
    moment, seldom, glimpse = track(0, 20), track(0, 100, every=4), track(0, 8)
    found = people.choose([moment, seldom, glimpse])
    assert found.talking == []
    assert [(face, status) for face, status, _ in found.unfit] == [
        (moment, "too_short"),
        (seldom, "face_lost"),
    ]
    assert "seen for 0.80 s; at least 1.00 s" in found.unfit[0][2]
    assert "seen in 26% of its frames; at least 50%" in found.unfit[1][2]


def test_no_faces_are_nobody():
    assert people.choose([]) == people.People([], [], [])
