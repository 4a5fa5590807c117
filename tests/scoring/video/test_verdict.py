"""The wording of verdicts: one golden sentence each."""

import dataclasses
import re

import pytest

from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import SyncResult
from tests.scoring.video.results import CALIBRATION, REFERENCE, offset_segments, scored

LATE = scored(3.0, offset=5, realigned=0.5)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (scored(0.5), "lip sync consistent with the reference clips (one speaker)"),
        (
            LATE,
            "out of sync by +0.20 s (sound late); realigned, lip sync is consistent with the "
            "reference clips (one speaker)",
        ),
        (
            scored(3.0, offsets=(0, 6), realigned=0.5),
            "in sync until 1.5 s, then out of sync by +0.24 s (sound late); realigned, lip sync is "
            "consistent with the reference clips (one speaker); possible causes: an edit, dropped "
            "frames, clock drift, manipulation",
        ),
        (
            scored(3.0),
            "mismatch although the sound fits best in sync: partial manipulation, or out-of-domain "
            "video",
        ),
        (
            scored(3.0, evidence=-0.1),
            "mismatch at every offset: dubbing, music, manipulation, or out-of-domain video",
        ),
    ],
)
def test_each_verdict_has_its_sentence(known, message):
    assert known.message == message


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (
            None,
            "not judged: the checkpoint has no calibration clips; best offset +0.20 s, uncertain",
        ),
        (
            {**CALIBRATION, "scores": [1.0] * 18},
            "not judged: the checkpoint has only 18 calibration clips; best offset +0.20 s, "
            "uncertain",
        ),
    ],
)
def test_without_enough_calibration_clips_the_message_claims_no_offset(calibration, message):
    reference = Reference(calibration, false_alarm_rate=0.05)
    assert verdict.with_verdict(LATE, reference).message == message


def test_a_remark_follows_the_verdict():
    result = verdict.with_verdict(scored(0.5), REFERENCE, remark="1 s of sound only")
    assert result.message.endswith("(one speaker); 1 s of sound only")


@pytest.mark.parametrize("result", [scored(0.5), scored(3.0), LATE])
def test_video_of_few_frames_per_second_is_not_judged(result):
    judged = verdict.with_verdict(result, REFERENCE, frames_per_second=9.93)
    assert (judged.verdict, judged.message) == (result.verdict, result.message)
    unjudged = verdict.with_verdict(result, REFERENCE, frames_per_second=8.0, remark="8 fps")
    assert (unjudged.verdict, unjudged.offset_is_certain) == ("not_judged", False)
    offset = "; best offset +0.20 s, uncertain" if result is LATE else ""
    assert unjudged.message == f"not judged: less than 9.5 frames per second{offset}; 8 fps"


def test_a_result_without_a_score_gets_no_verdict():
    result = SyncResult(status="no_audio", message="the file has no audio stream")
    assert verdict.with_verdict(result, REFERENCE) is result
    assert result.verdict is None
    assert verdict.status_text(result) == "no_audio: the file has no audio stream"


def test_no_wording_calls_a_file_forged_or_genuine():
    for known in (scored(0.5), scored(3.0), scored(3.0, evidence=-1.0)):
        assert not re.search("is (forged|fake|genuine|real)", known.message)


@pytest.mark.parametrize(
    ("offsets", "text"),
    [
        ((-5,), "out of sync by -0.20 s (sound early)"),
        ((0, 1, 6), "in sync until 3 s, then out of sync by +0.24 s (sound late)"),
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
        (scored(3.0, offset=5, realigned=2.5), "unclear"),
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
    assert text.startswith("p = 0.020: combined from 1000 pieces of about 3.0 s")


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
    result = dataclasses.replace(
        scored(score, offset=offset, realigned=0.5), reference_offset_frames=2
    )
    result = verdict.with_verdict(result, LATE_REFERENCE)
    assert result.message == message
    assert verdict.offset_cell(result) == verdict.seconds(offset)
    entry = result.to_json()
    assert (entry["offset_frames"], entry["relative_offset_frames"]) == (offset, offset - 2)


def test_the_basis_of_the_comparison_names_the_offset_that_was_removed():
    text = verdict.comparison(LATE_REFERENCE)
    assert "Their A/V offset of +0.08 s is removed before the comparison, also from files." in text
    assert "removed" not in verdict.comparison(REFERENCE)
