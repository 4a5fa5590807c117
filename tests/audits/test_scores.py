"""Categories and vectors are scored by other clips, never by a near-copy."""

import numpy as np
import pytest

from avsync.audits.scores import score
from avsync.metrics.ranking import auc

IS_FAKE = np.tile([False, True], 30)
SOURCES = [str(i // 2) for i in range(60)]


def test_numbers_are_scores_as_they_are_and_missing_values_are_nan():
    scored = score([1.5, None, *[2.0] * 58], IS_FAKE, groups=SOURCES)
    assert scored.kind == "number"
    np.testing.assert_array_equal(scored.values[:3], [1.5, np.nan, 2.0])


def test_without_values_there_are_no_scores():
    assert score([None] * 60, IS_FAKE, groups=SOURCES) is None


def test_a_category_of_fakes_scores_above_a_category_of_real_clips():
    codecs = ["h264" if fake else "mpeg1video" for fake in IS_FAKE]
    scored = score(codecs, IS_FAKE, groups=SOURCES)
    assert scored.kind == "category"
    assert auc(scored.values, IS_FAKE) == 1


def test_a_category_shared_by_all_clips_ranks_nothing_in_any_fold():
    is_fake = np.random.default_rng(0).random(47) < 0.7
    scored = score(["h264"] * 47, is_fake, groups=[str(i) for i in range(47)])
    np.testing.assert_array_equal(scored.values, 0)


def test_categories_of_single_clips_are_not_memorised():
    scored = score([f"tag {i}" for i in range(60)], IS_FAKE, groups=SOURCES)
    np.testing.assert_array_equal(scored.values, 0)


def test_the_probe_finds_a_direction_that_fakes_share():
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    vectors[IS_FAKE, 3] += 4
    scored = score(list(vectors), IS_FAKE, groups=SOURCES)
    assert scored.kind == "vector"
    assert auc(scored.values, IS_FAKE) > 0.95


def test_a_probe_does_not_recognise_a_clip_by_its_near_copy():
    rng = np.random.default_rng(0)
    # The clips of a group have one label, and one vector with a little noise.
    is_fake = np.repeat(rng.random(24) < 0.5, 10)
    vectors = np.repeat(rng.normal(size=(24, 64)), 10, axis=0)
    vectors += 0.01 * rng.normal(size=vectors.shape)
    apart = score(list(vectors), is_fake, groups=[str(i // 10) for i in range(240)])
    mixed = score(list(vectors), is_fake, groups=[str(i) for i in range(240)])
    assert auc(mixed.values, is_fake) > 0.95
    assert auc(apart.values, is_fake) < 0.75


@pytest.mark.parametrize("values", [["a", "b"] * 3, list(np.eye(6))])
def test_one_source_alone_gives_no_scores(values):
    scored = score(values, IS_FAKE[:6], groups=["one"] * 6)
    assert np.isnan(scored.values).all()
