"""What is written beside a picture names what is drawn, what is not, and why."""

import pytest

from avsync.reports.evaluation import captions
from avsync.reports.evaluation.moves import Moves


def test_a_move_is_told_of_reals_and_fakes_and_by_what_it_does_to_the_ranking():
    moved = Moves(num_real=2, num_fake=3, of_reals=0.0, of_fakes=-0.08, rank_correlation=0.5)
    assert captions.moved(moved, [{"auc": 1.0}, {"auc": None}]) == (
        "Moved, in the median: reals +0, fakes -0.08. AUC 1.000 → n/a. "
        "Rank correlation of the two views: +0.50. n = 2 reals, 3 fakes."
    )


def test_what_is_left_out_of_a_picture_is_said_only_if_anything_is():
    assert captions.drawn(1, "real") == captions.highest(1) == ""
    assert captions.drawn(3, "real") == " Drawn is one real in 3."
    assert captions.highest(3) == " Each point is the highest of 3 frames."


@pytest.mark.parametrize(
    ("frames", "where"),
    [(2, "sound 0.08 s late"), (-2, "sound 0.08 s early"), (0, "sound in time")],
)
def test_a_clip_is_told_with_its_kind_its_score_and_where_its_sound_lies(frames, where):
    line = {"category": "FV-RA", "manipulation": "", "scores": {"alignment": 1.5}}
    told = captions.clip({**line, "offset_frames": frames, "p_value": 0.25}, "alignment")
    assert told == f"FV-RA, unknown; score 1.50; p = 0.250; {where}."


def calibration(pooling, threshold, note=""):
    return {"pooling": pooling, "rates": {"0.05": {"threshold": threshold, "note": note}}}


def test_a_threshold_on_the_scale_of_frames_is_drawn():
    value, sentence = captions.threshold(calibration("mean", 3.5))
    assert value == 3.5
    assert sentence == "Dashed: 3.50, the threshold of whole clips for a false-alarm rate of 0.05."


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (None, "no scores of reals are kept"),
        (calibration("logsumexp", 3.5), "that of logsumexp is not on the scale of frames"),
        (calibration("mean", None, "too few reals"), "drawn: too few reals."),
    ],
)
def test_without_a_threshold_the_reason_is_given(kept, reason):
    value, sentence = captions.threshold(kept)
    assert value is None
    assert reason in sentence
