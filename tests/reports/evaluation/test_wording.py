"""The sentences of the report: one golden text per kind, and the reason for a missing number."""

import pytest

from avsync.evaluation.comparisons import TrimmingEffect
from avsync.evaluation.lines import Line
from avsync.reports.evaluation import wording


def result(auc, low, high, note=""):
    return {"auc": auc, "auc_low": low, "auc_high": high, "note": note}


def metrics(*, silence, alignment):
    """Metrics of two views; each score as (AUC, AUC trimmed, low and high end of the drop)."""
    views = {"original": {}, "trimmed": {}}
    delta = {}
    for score, (before, after, low, high) in (
        ("alignment", alignment),
        ("leading_silence", silence),
    ):
        for view, auc in zip(views, (before, after), strict=True):
            views[view][score] = result(auc, auc - 0.05, auc + 0.05)
        delta[score] = {"auc_drop_low": low, "auc_drop_high": high}
    return {"views": views, "delta": delta}


@pytest.mark.parametrize(
    ("silence", "alignment", "expected"),
    [
        (
            (1.0, 0.5, 0.4, 0.6),
            (0.94, 0.93, -0.01, 0.02),
            "Trimming removes the leading-silence shortcut (AUC 1.00 → 0.50); alignment keeps its "
            "AUC (0.94 → 0.93).",
        ),
        (
            (1.0, 0.7, 0.2, 0.4),
            (0.94, 0.93, -0.01, 0.02),
            "Trimming weakens the leading-silence shortcut (AUC 1.00 → 0.70); alignment keeps its "
            "AUC (0.94 → 0.93).",
        ),
        (
            (1.0, 0.5, 0.4, 0.6),
            (0.94, 0.80, 0.1, 0.2),
            "AUC before → after trimming leading silence: alignment 0.94 → 0.80; leading silence "
            "1.00 → 0.50.",
        ),
        (
            (0.5, 0.5, -0.1, 0.1),
            (0.94, 0.93, -0.01, 0.02),
            "AUC before → after trimming leading silence: alignment 0.94 → 0.93; leading silence "
            "0.50 → 0.50.",
        ),
    ],
)
def test_the_headline_claims_only_what_the_intervals_support(silence, alignment, expected):
    assert wording.headline(metrics(silence=silence, alignment=alignment)) == expected


def test_the_headline_of_one_view_names_it_and_the_reason_for_no_number():
    one = {
        "views": {"original": {"duration": result(None, None, None, "no real clips")}},
        "delta": {"duration": {}},
    }
    assert wording.headline(one) == "AUC, original view: duration n/a (no real clips)."


def test_the_effect_of_trimming_is_given_for_both_classes_and_the_ranking():
    effect = TrimmingEffect(2, 3, 0.0, -0.08, rank_correlation=0.5)
    assert wording.trimming(effect, [{"auc": 1.0}, {"auc": None}]) == (
        "Median change: real +0, fake -0.08. AUC 1.000 → n/a. Rank correlation between the views: "
        "+0.50. n = 2 real, 3 fake clips."
    )


def test_points_left_out_are_mentioned_only_if_there_are_any():
    assert wording.subsampled(1, "clips") == wording.highest_of(1) == ""
    assert wording.subsampled(3, "clips") == " One in 3 clips is drawn."
    assert wording.highest_of(3) == " Each point is the highest of 3 frames."


@pytest.mark.parametrize(
    ("frames", "offset"),
    [(2, "sound 0.08 s late"), (-2, "sound 0.08 s early"), (0, "sound in sync")],
)
def test_a_clip_has_its_kind_score_p_value_and_offset(frames, offset):
    line = Line(
        "c", "trimmed", 1, category="FV-RA", scores={"alignment": 1.5}, offset_frames=frames,
        is_calibrated=True, p_value=0.25,
    )  # fmt: skip
    expected = f"FV-RA, unknown; score 1.50; p = 0.250; {offset}."
    assert wording.clip(line, "alignment") == expected


def calibration(pooling, threshold, note=""):
    return {"pooling": pooling, "rates": {"0.05": {"threshold": threshold, "note": note}}}


def test_a_threshold_on_the_scale_of_frames_is_drawn():
    value, sentence = wording.threshold(calibration("mean", 3.5))
    assert value == 3.5
    expected = "Dashed: 3.50, the threshold on clip scores for a false-alarm rate of 0.05."
    assert sentence == expected


@pytest.mark.parametrize(
    ("calibrated", "reason"),
    [
        (None, "the checkpoint has no calibration"),
        (calibration("logsumexp", 3.5), "logsumexp scores of clips are not on the scale of frames"),
        (calibration("mean", None, "too few"), "too few"),
    ],
)
def test_without_a_threshold_the_reason_is_given(calibrated, reason):
    value, sentence = wording.threshold(calibrated)
    assert value is None
    assert sentence == f"No threshold is drawn: {reason}."


def test_a_missing_number_is_replaced_by_its_reason():
    assert wording.estimate(result(0.9721, 0.9, 1.0), "auc") == "0.972 [0.900, 1.000]"
    assert wording.estimate(result(0.5, None, None), "auc") == "0.500"
    assert wording.estimate(result(None, None, None, "no fakes"), "auc") == "n/a: no fakes"
    assert wording.correlation(None) == "n/a: constant"
    assert wording.auc_over_identities({"over_identities": None}) == "n/a: speakers unknown"
    unmeasured = {"num_real": 0, "num_unmeasured": 3}
    assert wording.offsets(unmeasured) == "n/a: none of 3 real clips was measured"


def test_the_offsets_of_real_clips_are_one_line():
    offset = {"num_real": 4, "within_1_frame": 0.5, "exact": 0.25, "median_frames": 1.5}
    offset["num_unmeasured"] = 3
    expected = "50.0% within 1 frame, 25.0% exact, median 1.5 frames, n = 4 of 7"
    assert wording.offsets(offset) == expected
