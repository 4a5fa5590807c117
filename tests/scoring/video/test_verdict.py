"""The wording of verdicts: one golden sentence each."""

import re

import pytest

from avsync.scoring.video import verdict
from avsync.scoring.video.decision import decided
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import SyncResult
from avsync.scoring.video.segments import Segment
from avsync.scoring.video.tolerance import parse, tolerated
from tests.scoring.video.results import CALIBRATION, REFERENCE, offset_segments, scored

LATE = scored(3.0, offset=5, realigned=0.5)
REAL = "reference clips (one speaker)"


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (scored(0.5), f"lip sync consistent with the {REAL}"),
        (
            scored(3.0),
            f"lip sync consistent with the {REAL} except 1 to 1.8 s: partial manipulation, another "
            "voice, or hidden lips",
        ),
        (
            scored(3.0, rest_fits=False),
            "mismatch although the sound fits best in sync: manipulation, or hidden lips",
        ),
        (
            scored(3.0, rest_fits=False, is_certain=False),
            "mismatch, and no offset explains it: dubbing, music, or manipulation",
        ),
        (
            LATE,
            "out of sync by +0.20 s (sound late); realigned, lip sync is consistent with the "
            f"{REAL}",
        ),
        (
            scored(3.0, offset=5),
            "out of sync by +0.20 s (sound late); realigned, it does not fit in 1 to 1.8 s",
        ),
        (
            scored(3.0, offset=5, unlike=("mouths", "voices")),
            "out of sync by +0.20 s (sound late); realigned, the fit is not judged: mouths and "
            f"voices unlike the {REAL}",
        ),
        (
            scored(3.0, offsets=(0, 6), realigned=0.5),
            "in sync until 1.5 s, then out of sync by +0.24 s (sound late); realigned, lip sync is "
            f"consistent with the {REAL}; possible causes: an edit, dropped frames, clock drift, "
            "manipulation",
        ),
        (scored(3.0, unlike=("mouths",)), f"not judged: mouths unlike the {REAL}"),
        (
            scored(3.0, offset=5, is_certain=False, unlike=("voices",)),
            f"not judged: voices unlike the {REAL}; best offset +0.20 s, uncertain",
        ),
        (
            scored(3.0, why_not="voice_over"),
            "not judged: a voice-over, speech while the lips are still",
        ),
        (scored(3.0, why_not="another_face_talks"), "not judged: the speech fits another face"),
        (scored(3.0, why_not="low_frame_rate"), "not judged: less than 9.5 frames per second"),
    ],
)
def test_each_verdict_has_its_sentence(known, message):
    assert known.message == message


@pytest.mark.parametrize(
    ("calibration", "count"),
    [(None, "no"), ({**CALIBRATION, "scores": [1.0] * 18}, "only 18")],
)
def test_without_enough_calibration_clips_the_message_says_so(calibration, count):
    reference = Reference(calibration, false_alarm_rate=0.05)
    result = verdict.with_message(decided(scored(3.0), reference), reference)
    assert result.message == f"not judged: the checkpoint has {count} calibration clips"


def test_a_remark_follows_the_verdict():
    result = verdict.with_message(scored(0.5), REFERENCE, remark="1 s of sound only")
    assert result.message.endswith("(one speaker); 1 s of sound only")


def test_a_status_is_told_with_its_reason():
    result = SyncResult(status="no_audio", message="the file has no audio stream")
    assert verdict.with_message(result, REFERENCE) is result
    assert verdict.status_text(result) == "no_audio: the file has no audio stream"


def test_no_wording_calls_a_file_forged_or_genuine():
    for known in (scored(0.5), scored(3.0), scored(3.0, rest_fits=False), LATE):
        assert not re.search("is (forged|fake|genuine|real)", known.message)


@pytest.mark.parametrize(
    ("offsets", "text"),
    [
        ((-5,), "out of sync by -0.20 s (sound early)"),
        ((0, 6), "in sync until 1.5 s, then out of sync by +0.24 s (sound late)"),
        (
            (-6, 0, 6),
            "out of sync by -0.24 s (sound early) until 1.5 s, then in sync until 3 s, then out of "
            "sync by +0.24 s (sound late)",
        ),
        ((0, 2, 4, 6), "the A/V offset changes 3 times, between +0.00 s and +0.24 s"),
    ],
)
def test_a_changing_offset_is_described_by_where_it_changes(offsets, text):
    assert verdict.offset_text(offset_segments(*offsets)) == text


@pytest.mark.parametrize(
    ("known", "cell"),
    [
        (scored(0.5), "+0.00 s"),
        (LATE, "+0.20 s"),
        (scored(3.0, offset=5, is_certain=False), "unclear"),
        (scored(0.5, offset_seconds=-0.01), "-0.01 s"),
        (scored(0.5, offset_seconds=-0.001), "+0.00 s"),
        (scored(3.0, offsets=(0, 6), realigned=0.5), "+0.00 to +0.24 s"),
    ],
)
def test_the_table_shows_only_certain_offsets(known, cell):
    assert verdict.offset_cell(known) == cell


def test_a_p_value_comes_with_its_meaning():
    assert verdict.p_value_text(scored(2.0), REFERENCE) == (
        "p = 0.010: 0 of 99 reference clips (one speaker) score at least as high. This is not the "
        "probability that the file is real."
    )
    long = Reference({**CALIBRATION, "num_frames": 75}, false_alarm_rate=0.05)
    text = verdict.p_value_text(SyncResult(p_value=0.02, num_pieces=1_000), long)
    assert text.startswith("p = 0.020: the worst of 1000 pieces of about 3.0 s, for their number")


@pytest.mark.parametrize(
    ("p_value", "text"), [(0.2184, "0.218"), (0.00123, "0.0012"), (0.00001, "<0.0001")]
)
def test_a_small_p_value_keeps_two_digits(p_value, text):
    assert verdict.p_text(p_value) == text


def test_many_segments_are_told_by_their_number_and_range():
    segments = [Segment(10.0 * i, 10.0 * i + 1, 3.0) for i in range(4)]
    assert verdict.spans(segments[:1]) == "0 to 1 s"
    assert verdict.spans(segments[:3]) == "0 to 1 s, 10 to 11 s and 20 to 21 s"
    assert verdict.spans(segments) == "4 segments of 4.0 s in all between 0 s and 31 s"


@pytest.mark.parametrize(
    ("offsets", "text"),
    [
        ([0.02], "passes ebu (sound 40 ms early to 60 ms late)"),
        ([0.2], "fails ebu (sound 40 ms early to 60 ms late)"),
        (None, "not known to pass ebu (sound 40 ms early to 60 ms late)"),
    ],
)
def test_a_tolerance_is_told_with_its_limits(offsets, text):
    assert verdict.tolerance_text(tolerated(parse("ebu"), offsets)) == text


def test_the_comparison_names_clips_threshold_domain_and_blind_spot():
    assert verdict.comparison(REFERENCE) == (
        "Compared with 99 reference clips (one speaker) from grid, val split: a false-alarm rate "
        "of 5% puts the threshold at 0.96. Other speakers, cameras, rooms or languages may exceed "
        f"it far more often. {verdict.BLIND_SPOT}"
    )
    cautious = Reference(CALIBRATION, false_alarm_rate=0.05, caution="Trained on one speaker.")
    assert f" Trained on one speaker. {verdict.BLIND_SPOT}" in verdict.comparison(cautious)


@pytest.mark.parametrize(("time", "text"), [(1.24, "1.24 s"), (3.0, "3 s"), (3_662.0, "61:02")])
def test_a_time_is_written_in_seconds_or_minutes(time, text):
    assert verdict.clock(time) == text


LATE_REFERENCE = Reference({**CALIBRATION, "realigned_frames": 2}, false_alarm_rate=0.05)


@pytest.mark.parametrize(
    ("score", "offset", "message"),
    [
        (
            *(0.5, 2),
            "lip sync consistent with the reference clips (one speaker); offset +0.08 s, as all of "
            "the reference clips",
        ),
        (
            *(0.5, 3),
            "lip sync consistent with the reference clips (one speaker); offset +0.12 s, where all "
            "of the reference clips have +0.08 s",
        ),
        (
            *(3.0, 7),
            "out of sync by +0.20 s (sound late), relative to the reference clips; realigned, lip "
            "sync is consistent with the reference clips (one speaker); offset +0.28 s, where all "
            "of the reference clips have +0.08 s",
        ),
        (
            *(3.0, 0),
            "out of sync by -0.08 s (sound early), relative to the reference clips; realigned, lip "
            "sync is consistent with the reference clips (one speaker); offset +0.00 s, where all "
            "of the reference clips have +0.08 s",
        ),
    ],
)
def test_an_offset_is_judged_relative_to_that_of_all_reference_clips(score, offset, message):
    result = scored(score, offset=offset, realigned=0.5, reference_offset_frames=2)
    assert result.message == message
    assert verdict.offset_cell(result) == verdict.seconds(offset / 25)
    entry = result.to_json()
    assert (entry["offset_frames"], entry["relative_offset_frames"]) == (offset, offset - 2)


def test_the_basis_of_the_comparison_names_the_offset_that_was_removed():
    text = verdict.comparison(LATE_REFERENCE)
    assert "Their A/V offset of +0.08 s is removed before the comparison, also from files." in text
    assert "removed" not in verdict.comparison(REFERENCE)
