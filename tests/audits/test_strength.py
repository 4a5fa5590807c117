"""Simultaneous intervals from a bootstrap over sources, not clips."""

import numpy as np
import pytest

from avsync.audits.strength import MIN_GROUPS, strengths


def paired(num_sources: int, *, fakes: int = 1) -> tuple[np.ndarray, list[str]]:
    """Labels and sources of one real clip and `fakes` fakes per source."""
    is_fake = np.tile([False] + [True] * fakes, num_sources)
    return is_fake, [f"source {i}" for i in range(num_sources) for _ in range(1 + fakes)]


def test_the_auc_is_the_share_of_pairs_in_order():
    is_fake, groups = paired(12)
    scores = np.where(is_fake, 0.5, np.repeat(np.arange(12) / 12 + 0.01, 2))
    found = strengths({"s": scores}, is_fake, groups=groups)["s"]
    assert found.auc == pytest.approx(0.5)  # six real clips below, six above
    assert found.low < 0.5 < found.high
    assert (found.num_real, found.num_fake, found.num_missing) == (12, 12, 0)


def test_a_perfect_score_excludes_chance_and_is_mirrored_with_its_sign():
    is_fake, groups = paired(12)
    found = strengths({"s": np.where(is_fake, -1.0, 1.0)}, is_fake, groups=groups)["s"]
    assert (found.auc, found.low, found.high) == (0, 0, 0)
    assert found.excludes_chance
    mirrored = found.mirrored()
    assert (mirrored.auc, mirrored.low, mirrored.high) == (1, 1, 1)


def test_a_constant_score_is_at_chance():
    is_fake, groups = paired(12)
    found = strengths({"s": np.ones(24)}, is_fake, groups=groups)["s"]
    assert (found.auc, found.low, found.high) == (0.5, 0.5, 0.5)
    assert not found.excludes_chance


def test_many_uninformative_scores_give_no_more_false_alarms_than_one():
    rng = np.random.default_rng(0)
    is_fake, groups = paired(20, fakes=2)
    num_false_alarms = 0
    for _ in range(40):
        # Half of each score is shared by its source: fakes of one clip are alike.
        shared = np.repeat(rng.normal(size=(20, 20)), 3, axis=1)
        scores = dict(enumerate(shared + rng.normal(size=(20, 60))))
        found = strengths(scores, is_fake, groups=groups, num_resamples=200)
        num_false_alarms += any(strength.excludes_chance for strength in found.values())
    # One audit in twenty is expected; seven or more of 40 would occur once in 300 runs. Separate
    # intervals for each score would give 26.
    assert num_false_alarms <= 6


def test_an_interval_among_many_is_wider_than_alone():
    rng = np.random.default_rng(0)
    is_fake, groups = paired(30)
    scores = dict(enumerate(rng.normal(size=(40, 60))))
    among = strengths(scores, is_fake, groups=groups)[0]
    alone = strengths({0: scores[0]}, is_fake, groups=groups)[0]
    assert among.auc == alone.auc
    assert among.high - among.low > 1.3 * (alone.high - alone.low)


def test_clips_of_one_source_count_as_one():
    rng = np.random.default_rng(0)
    # Each source has ten copies of one clip, all real or all fake.
    is_fake = np.repeat(np.tile([False, True], 15), 10)
    scores = np.repeat(rng.normal(size=30), 10)
    clips = strengths({"s": scores}, is_fake, groups=[str(i) for i in range(300)])["s"]
    sources = strengths({"s": scores}, is_fake, groups=[str(i // 10) for i in range(300)])["s"]
    assert clips.auc == sources.auc
    assert sources.high - sources.low > 2.5 * (clips.high - clips.low)


def test_clips_without_a_score_are_excluded_and_counted():
    is_fake, groups = paired(14)
    scores = np.where(is_fake, 2.0, 1.0)
    scores[:4] = np.nan
    found = strengths({"s": scores}, is_fake, groups=groups)["s"]
    assert (found.num_real, found.num_fake, found.num_missing) == (12, 12, 4)
    assert found.excludes_chance


def test_too_few_sources_have_an_auc_and_no_interval():
    is_fake, groups = paired(MIN_GROUPS - 1, fakes=5)
    found = strengths({"s": is_fake.astype(float)}, is_fake, groups=groups)["s"]
    assert (found.auc, found.low, found.high) == (1, None, None)
    assert not found.excludes_chance
    assert "9 sources" in found.note
    assert found.mirrored().auc == 0


def test_a_score_of_one_class_alone_has_no_auc():
    is_fake, groups = paired(12)
    found = strengths({"s": np.where(is_fake, np.nan, 1.0)}, is_fake, groups=groups)["s"]
    assert (found.auc, found.note) == (None, "no fake clip has a value")
