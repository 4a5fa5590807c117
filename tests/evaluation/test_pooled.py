"""How each pooling ranks, and what it owes to length."""

import pytest

from avsync.evaluation.pooled import compare_poolings


def clip(label: int, num_frames: int, **poolings: float):
    return {"label": label, "num_frames": num_frames, "poolings": poolings}


def test_a_pooling_that_grows_with_length_is_told_by_its_correlation_over_reals():
    clips = [clip(0, n, longer=n, steady=n % 3) for n in (30, 31, 32, 33, 34, 35)]
    clips += [clip(1, 100, longer=50, steady=9)]
    found = compare_poolings({"trimmed": clips})["trimmed"]
    assert found["longer"]["length_correlation"] == pytest.approx(1)
    assert abs(found["steady"]["length_correlation"]) < 0.5
    assert found["longer"]["auc"] == found["steady"]["auc"] == 1
    assert (found["steady"]["num_real"], found["steady"]["num_fake"]) == (6, 1)


def test_clips_of_one_length_or_without_scores_say_nothing_of_length():
    clips = [clip(0, 30, mean=1.0), clip(0, 30, mean=2.0), clip(1, 30, mean=3.0), clip(1, 0)]
    found = compare_poolings({"trimmed": clips})["trimmed"]
    assert found["mean"]["length_correlation"] is None
    assert found["mean"]["num_fake"] == 1
    assert compare_poolings({"trimmed": [clip(0, 0)]}) == {"trimmed": {}}
