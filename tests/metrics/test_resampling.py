"""Resamples draw clips as often, and together, as they should."""

import numpy as np
import pytest

from avsync.metrics import resampling


def joined(chunks) -> np.ndarray:
    return np.concatenate(list(chunks))


def test_a_resample_has_as_many_real_and_fake_clips_as_the_test_set():
    is_fake = np.arange(10) < 3
    times = joined(resampling.over_clips(is_fake, num_resamples=20, seed=0))
    assert times.shape == (20, 10)
    assert (times[:, is_fake].sum(axis=1) == 3).all()
    assert (times[:, ~is_fake].sum(axis=1) == 7).all()


def test_each_clip_is_drawn_once_on_average_and_often_not_at_all():
    times = joined(resampling.over_clips(np.arange(20) < 10, num_resamples=4_000, seed=0))
    assert times.mean(axis=0) == pytest.approx(np.ones(20), abs=0.06)
    # (1 - 1/10)^10: never in ten draws from ten.
    assert np.mean(times == 0) == pytest.approx(0.9**10, abs=0.01)


def test_the_clips_of_an_identity_are_drawn_together():
    speakers = ["a", "b", "a", "c", "b", "a"]
    is_fake = np.array([False, True, True, False, False, True])
    times = joined(resampling.over_identities(is_fake, speakers, num_resamples=50, seed=0))
    assert (times[:, 0] == times[:, 2]).all()
    assert (times[:, 0] == times[:, 5]).all()
    assert (times[:, 1] == times[:, 4]).all()
    assert len(np.unique(times[:, 0])) > 1


def test_every_resample_of_identities_has_both_classes():
    # One speaker of both classes, one of real clips, one of fakes: a stratum each.
    speakers, is_fake = ["a", "a", "b", "c"], np.array([False, True, False, True])
    times = joined(resampling.over_identities(is_fake, speakers, num_resamples=30, seed=0))
    assert (times == 1).all()


def test_identities_of_one_clip_each_are_drawn_like_clips():
    is_fake = np.arange(12) % 3 == 0
    names = [f"{number:02}" for number in range(12)]
    people = joined(resampling.over_identities(is_fake, names, num_resamples=9, seed=5))
    clips = joined(resampling.over_clips(is_fake, num_resamples=9, seed=5))
    assert (people == clips).all()


def test_clips_that_exceed_a_chunk_get_all_their_resamples():
    is_fake = np.arange(200_000) % 2 == 1
    assert [len(t) for t in resampling.over_clips(is_fake, num_resamples=3, seed=0)] == [1, 1, 1]
    speakers = [str(number % 7) for number in range(200_000)]
    people = resampling.over_identities(is_fake, speakers, num_resamples=3, seed=0)
    assert [len(times) for times in people] == [1, 1, 1]
