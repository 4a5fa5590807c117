"""Verdicts, and whether an offset is believed."""

import pytest

from avsync.scoring.video.decision import MIN_FRAMES_PER_SECOND, decided, obstacle
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import SyncResult
from tests.scoring.video.results import CALIBRATION, REFERENCE, scored

UNLIKE = ("mouths",)


@pytest.mark.parametrize(
    ("known", "verdict", "reason"),
    [
        (scored(0.5), "consistent", None),
        (scored(0.5, is_certain=False), "consistent", None),
        # Real clips are off by up to one frame.
        (scored(0.5, offset=1), "consistent", None),
        (scored(3.0), "partly_mismatched", None),
        (scored(3.0, rest_fits=False), "mismatched", None),
        (scored(3.0, mismatched_share=0.8), "mismatched", None),
        # A shift is told whatever the fit.
        (scored(3.0, offset=5, realigned=0.5), "out_of_sync", None),
        (scored(3.0, offset=-5, realigned=2.5), "out_of_sync", None),
        (scored(0.5, offset=2), "out_of_sync", None),
        (scored(3.0, offsets=(0, 6), realigned=0.5), "out_of_sync", None),
        (scored(3.0, offset=5, unlike=UNLIKE), "out_of_sync", "unlike_reference_clips"),
        (scored(3.0, offset=5, realigned=0.5, unlike=UNLIKE), "out_of_sync", None),
        (scored(3.0, offset=5, p_value_resynced=None), "out_of_sync", "nothing_left"),
        # A guess is none.
        (scored(3.0, offset=5, is_certain=False, rest_fits=False), "mismatched", None),
        (scored(0.5, offset=5, is_certain=False), "consistent", None),
        # What is strange is not accused for it.
        (scored(3.0, unlike=UNLIKE), "not_judged", "unlike_reference_clips"),
        (scored(0.5, unlike=UNLIKE), "consistent", None),
        (scored(3.0, why_not="voice_over"), "not_judged", "voice_over"),
        (scored(3.0, offset=5, why_not="low_frame_rate"), "not_judged", "low_frame_rate"),
    ],
)
def test_verdicts_in_their_order(known, verdict, reason):
    assert (known.verdict, known.reason) == (verdict, reason)
    assert known.is_shifted == (verdict == "out_of_sync")
    assert known.to_json()["offset_is_certain"] == known.offset_is_certain


@pytest.mark.parametrize("calibration", [None, {**CALIBRATION, "scores": [1.0] * 18}])
def test_without_enough_reference_clips_only_an_offset_is_told(calibration):
    reference = Reference(calibration, false_alarm_rate=0.05)
    in_sync, late = scored(3.0), scored(3.0, offset=5)
    found = [decided(result, reference) for result in (in_sync, late)]
    assert [(result.verdict, result.reason) for result in found] == [
        ("not_judged", "too_few_reference_clips"),
        ("out_of_sync", "too_few_reference_clips"),
    ]


def test_what_cannot_be_judged_has_no_segments_and_claims_no_offset():
    known = scored(3.0, offset=5, why_not="another_face_talks")
    assert (known.segments, known.offset_is_certain) == ((), False)


def test_a_result_without_a_score_gets_no_verdict():
    result = SyncResult(status="no_audio", message="the file has no audio stream")
    assert decided(result, REFERENCE) is result
    assert result.verdict is None


def test_obstacles_in_their_order():
    usual = {"frames_per_second": 25.0, "is_listener": False, "lip_motion": 0.03}
    assert obstacle(**usual) is None
    assert obstacle(**{**usual, "lip_motion": None}) is None
    assert obstacle(**{**usual, "lip_motion": 0.008}) == "voice_over"
    assert obstacle(**{**usual, "is_listener": True}) == "another_face_talks"
    slow = {**usual, "frames_per_second": MIN_FRAMES_PER_SECOND - 0.1, "is_listener": True}
    assert obstacle(**slow) == "low_frame_rate"
