"""The faces of a video that can be scored, and why others cannot."""

import numpy as np

from avsync.media.crop_store import open_store
from avsync.media.faces import DetectedFace
from avsync.media.tracks import MouthTrack
from avsync.scoring.video.face_selection import FaceSelection, select_faces

POINTS = np.random.default_rng(0).uniform(0, 100, (68, 2))


def track(first: int, end: int, *, every: int = 1) -> MouthTrack:
    """A face seen in every `every`-th frame of [first, end)."""
    track = MouthTrack(first)
    rng = np.random.default_rng(first + end)
    for index in range(first, end, every):
        track.see(index, DetectedFace(np.array([0.0, 0.0, 100.0, 100.0]), POINTS))
    with open_store() as store:
        pictures = rng.integers(0, 256, (track.last_seen + 1 - first, 120, 120), np.uint8)
        track.crop(list(pictures), store, num_held_back=0)
    return track


def test_all_faces_in_view_for_long_enough_are_usable():
    shots = [track(0, 100), track(50, 90), track(100, 200)]
    assert select_faces(shots) == FaceSelection(shots, [])


def test_a_face_seen_too_briefly_or_too_rarely_is_unusable_for_a_reason():
    brief, rare, glimpse = track(0, 20), track(0, 100, every=4), track(0, 8)
    selection = select_faces([brief, rare, glimpse])
    assert selection.usable == []
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
