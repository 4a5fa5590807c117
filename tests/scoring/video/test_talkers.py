"""Who talks, on evidence that can be checked by eye."""

import numpy as np

from avsync.scoring.video.talkers import NOBODY, Lips, find_talkers

SECOND = 25


def lips(first: int, *gains: float, speech: str = "", motion: float = 1.0) -> Lips:
    """A face from second `first` on: by second, what it gains in sync, and whether ("1") there is
    speech (everywhere by default)."""
    per_frame = np.zeros((SECOND * len(gains), 5), np.float32)
    per_frame[:, 2] = np.repeat(gains, SECOND) / SECOND
    has_speech = np.repeat([mark == "1" for mark in speech or "1" * len(gains)], SECOND)
    return Lips(first * SECOND, per_frame, has_speech, motion)


def owned(faces: list[Lips], *, seconds: int) -> tuple[list[int], list[list[int]]]:
    """Who talks by second; and by face, the seconds of the file whose speech is its own."""
    talkers = find_talkers(faces, num_frames=seconds * SECOND)
    own = [
        np.unique((face.first + np.flatnonzero(frames)) // SECOND).tolist()
        for face, frames in zip(faces, talkers.own_frames, strict=True)
    ]
    return talkers.by_second.tolist(), own


def test_two_faces_in_one_picture_talk_in_turns():
    one, other = lips(0, 60, 60, 60, -9, -9, -9), lips(0, -9, -9, -9, 60, 60, 60)
    by_second, own = owned([one, other], seconds=6)
    assert by_second == [0, 0, 0, 1, 1, 1]
    assert own == [[0, 1, 2], [3, 4, 5]]


def test_the_lips_that_fit_win_over_those_that_move_most():
    listener, speaker = lips(0, 1, 1, 1, motion=9), lips(0, 60, 60, 60, motion=1)
    assert owned([listener, speaker], seconds=3)[1] == [[], [0, 1, 2]]
    assert find_talkers([listener, speaker], num_frames=75).talking == [1]


def test_speech_that_fits_nobody_is_that_of_the_face_that_talks_most():
    talker, listener = lips(0, 60, 60, 60, 60, -20, -20), lips(0, *[-9] * 6, motion=9)
    by_second, own = owned([talker, listener], seconds=6)
    assert by_second == [0, 0, 0, 0, NOBODY, NOBODY]
    assert own == [[0, 1, 2, 3, 4, 5], []]


def test_where_no_lips_fit_those_that_move_most_talk_unless_seen_briefly():
    still, moving = lips(0, *[-5] * 4, motion=1), lips(0, *[-5] * 4, motion=3)
    passer_by = lips(1, -5, motion=9)
    by_second, own = owned([still, moving, passer_by], seconds=4)
    assert by_second == [NOBODY] * 4
    assert own == [[], [0, 1, 2, 3], []]


def test_faces_of_successive_shots_all_talk_and_pauses_are_nobodys():
    first, second = lips(0, 60, 60, 60, speech="110"), lips(3, 60, 60, 60, speech="011")
    by_second, own = owned([first, second], seconds=7)
    assert by_second == [0, 0, NOBODY, NOBODY, 1, 1, NOBODY]
    assert own == [[0, 1], [4, 5]]
    assert find_talkers([first, second], num_frames=150).talking == [0, 1]


def test_the_only_face_owns_all_speech_however_little_and_no_face_owns_none():
    brief = lips(0, -5)._replace(has_speech=np.arange(SECOND) < 4)
    assert find_talkers([brief], num_frames=SECOND).talking == [0]
    nobody = find_talkers([], num_frames=50)
    assert (nobody.by_second.tolist(), nobody.own_frames, nobody.talking) == ([-1, -1], [], [])
