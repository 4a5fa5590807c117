"""Two scores of the same clips, the effect of trimming, and poolings, counted by hand."""

import pytest

from avsync.evaluation.comparisons import (
    Pair,
    auc_change,
    compare_poolings,
    paired_views,
    trimming_effect,
)
from avsync.evaluation.lines import Line


def clip(label: int, num_frames: int, **poolings: float):
    return Line("c", "trimmed", label, num_frames=num_frames, poolings=poolings)


def pair(label: int, original: float, trimmed: float | None, *, clip_id: str = "c") -> Pair:
    scores = {"original": original, "trimmed": trimmed}
    return Pair(*[Line(clip_id, view, label, scores={"silence": scores[view]}) for view in scores])


def test_the_effect_of_trimming_is_measured_on_real_and_fake_clips_separately():
    clips = [pair(0, 1.0, 1.5), pair(0, 2.0, 2.5), pair(1, 3.0, 0.0), pair(1, 4.0, 2.0)]
    effect = trimming_effect(clips, "silence")
    assert (effect.num_real, effect.num_fake) == (2, 2)
    assert (effect.median_change_real, effect.median_change_fake) == (0.5, -2.5)
    # Ranks 1 2 3 4 become 2 4 1 3: 1 - 6 (1 + 4 + 4 + 1) / (4 * 15).
    assert effect.rank_correlation == pytest.approx(0.0)


def test_a_constant_view_has_no_rank_correlation():
    effect = trimming_effect([pair(1, 1.0, 0.0), pair(1, 2.0, 0.0)], "silence")
    assert effect[2:] == (None, -1.5, None)


def test_only_clips_scored_in_both_views_are_paired():
    whole, half = pair(0, 1.0, 1.0, clip_id="whole"), pair(0, 1.0, None, clip_id="half")
    views = {view: [whole[i], half[i]] for i, view in enumerate(("original", "trimmed"))}
    assert paired_views(views, "silence") == [whole]
    assert paired_views({"original": views["original"]}, "silence") == []


def test_two_views_with_different_labels_are_refused():
    real, fake = Line("r0", "original", 0), Line("r0", "trimmed", 1)
    with pytest.raises(ValueError, match="clip r0 has label 0 in the original view and 1"):
        auc_change([real], [fake], before_score="alignment", after_score="alignment")


def test_a_pooling_that_grows_with_length_correlates_with_it_over_real_clips():
    clips = [clip(0, n, longer=float(n), steady=float(n % 3)) for n in (30, 31, 32, 33, 34, 35)]
    clips += [clip(1, 100, longer=50.0, steady=9.0)]
    found = compare_poolings({"trimmed": clips})["trimmed"]
    assert found["longer"]["length_correlation"] == pytest.approx(1)
    assert abs(found["steady"]["length_correlation"]) < 0.5
    assert found["longer"]["auc"] == found["steady"]["auc"] == 1
    assert (found["steady"]["num_real"], found["steady"]["num_fake"]) == (6, 1)


def test_clips_of_one_length_have_no_length_correlation():
    clips = [clip(0, 30, mean=1.0), clip(0, 30, mean=2.0), clip(1, 30, mean=3.0), clip(1, 0)]
    found = compare_poolings({"trimmed": clips})["trimmed"]
    assert found["mean"]["length_correlation"] is None
    assert found["mean"]["num_fake"] == 1
    assert compare_poolings({"trimmed": [clip(0, 0)]}) == {"trimmed": {}}
