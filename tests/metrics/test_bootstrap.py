"""Intervals are repeatable, as wide as theory says, or None with a reason."""

import numpy as np
import pytest
from scipy.stats import norm

from avsync.metrics import bootstrap, curves, ranking, resampling


def normal_clips(num: int, *, gap: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Half real, half fake clips with normal scores, `gap` standard deviations apart."""
    is_fake = np.arange(num) % 2 == 1
    return np.random.default_rng(seed).normal(size=num) + gap * is_fake, is_fake


def test_the_same_seed_gives_the_same_interval_and_another_seed_nearly_the_same():
    clips = normal_clips(200, gap=1.0)
    first, again = (bootstrap.ranking_quality(*clips) for _ in range(2))
    other = bootstrap.ranking_quality(*clips, seed=1)
    assert first == again
    assert other.auc.low != first.auc.low
    assert other.auc.low == pytest.approx(first.auc.low, abs=0.01)


def test_the_interval_is_as_wide_as_theory_says():
    auc = bootstrap.ranking_quality(*normal_clips(400, gap=0.0)).auc
    # The variance of the AUC of unrelated scores is (r + f + 1) / (12 r f) (Mann & Whitney, 1947).
    deviation = np.sqrt(401 / (12 * 200 * 200))
    assert auc.high - auc.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    assert auc.low < 0.5 < auc.high


def test_fakes_above_all_real_clips_are_perfect_in_every_resample():
    quality = bootstrap.ranking_quality(np.arange(8.0), np.arange(8) >= 4)
    best = bootstrap.Quality(*[bootstrap.Estimate(1.0, 1.0, 1.0)] * 6)
    assert quality == best._replace(equal_error_rate=bootstrap.Estimate(0.0, 0.0, 0.0))


def test_a_constant_score_is_at_chance_with_a_note():
    auc = bootstrap.ranking_quality(np.zeros(6), np.arange(6) >= 4).auc
    assert auc == bootstrap.Estimate(0.5, 0.5, 0.5, "all scores are equal")


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        ([True, True], "no real clips"),
        ([False], "no fake clips"),
        ([], "no real and no fake clips"),
    ],
)
def test_a_missing_class_gives_a_reason_instead_of_numbers(labels, note):
    is_fake = np.array(labels, bool)
    scores = np.arange(len(labels), dtype=float)
    nothing = bootstrap.Estimate(None, None, None, note)
    assert set(bootstrap.ranking_quality(scores, is_fake)) == {nothing}
    assert bootstrap.paired_auc_change(scores, scores, is_fake) == nothing


def test_a_single_clip_of_a_class_gives_a_value_without_interval():
    scores, is_fake = np.array([1.0, 2.0, 3.0]), np.array([False, True, False])
    expected = bootstrap.Estimate(0.5, None, None, "only one fake clip: no interval")
    assert bootstrap.ranking_quality(scores, is_fake).auc == expected
    change = bootstrap.paired_auc_change(scores, -scores, is_fake)
    assert (change.value, change.low) == (0.0, None)


def test_scores_of_the_same_clips_have_the_same_intervals_together_as_alone():
    # So many clips that their resamples come in chunks of 13, which are measured 16 at a time.
    first, is_fake = normal_clips(10_000, gap=1.0)
    second = np.round(first)
    settings = {"num_resamples": 40, "seed": 3}
    together = bootstrap.ranking_qualities(np.stack([first, second]), is_fake, **settings)
    assert together == [
        bootstrap.ranking_quality(scores, is_fake, **settings) for scores in (first, second)
    ]
    order = curves.descending(first, is_fake)
    chunks = resampling.over_clips(is_fake, **settings)
    areas = np.concatenate([curves.measure(order, drawn).auc for drawn in chunks])
    expected = np.quantile(areas, [0.025, 0.975])
    assert (together[0].auc.low, together[0].auc.high) == tuple(expected)


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="1 of 2 are not finite"):
        bootstrap.ranking_quality(np.array([np.nan, 1.0]), np.array([True, False]))


def test_a_score_compared_with_itself_changes_in_no_resample():
    scores, is_fake = normal_clips(60, gap=1.0)
    assert bootstrap.paired_auc_change(scores, scores, is_fake) == (0.0, 0.0, 0.0, "")


def test_pairing_detects_a_small_change_that_separate_intervals_hide():
    before, is_fake = normal_clips(300, gap=1.0)
    after = before - 0.1 * is_fake  # every fake scores a little lower
    change = bootstrap.paired_auc_change(before, after, is_fake)
    expected = ranking.auc(before, is_fake) - ranking.auc(after, is_fake)
    assert change.value == pytest.approx(expected)
    assert change.low > 0
    alone = bootstrap.ranking_quality(before, is_fake).auc
    assert change.high - change.low < (alone.high - alone.low) / 3


def test_shuffled_labels_are_at_chance():
    scores, is_fake = normal_clips(2_000, gap=3.0)
    shuffled = np.random.default_rng(1).permutation(is_fake)
    auc = bootstrap.ranking_quality(scores, shuffled, num_resamples=500).auc
    assert auc.low < 0.5 < auc.high


def coverage(intervals: list[bootstrap.Estimate], truth: float) -> float:
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


def test_the_interval_covers_the_true_auc_at_about_its_nominal_rate():
    intervals = [
        bootstrap.ranking_quality(*normal_clips(100, gap=1.0, seed=seed), num_resamples=300).auc
        for seed in range(150)
    ]
    # The difference of two normal scores, one deviation apart, has a deviation of sqrt(2). If each
    # of 150 intervals covers with probability 0.95, a share between 0.91 and 0.98 covers.
    assert 0.91 <= coverage(intervals, norm.cdf(1 / np.sqrt(2))) <= 0.98


def test_only_the_interval_over_identities_covers_if_clips_of_a_speaker_are_alike():
    identity = np.repeat(np.arange(60), 5)
    is_fake = identity % 2 == 1
    names = [str(number) for number in identity]
    over_clips, over_identities = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=60)[identity] + rng.normal(size=300) + is_fake
        over_clips.append(bootstrap.ranking_quality(scores, is_fake, num_resamples=300).auc)
        over_identities.append(
            bootstrap.ranking_quality(scores, is_fake, identities=names, num_resamples=300).auc
        )
    # The difference of a real and a fake clip has four unit variances: two speakers, two clips.
    truth = norm.cdf(1 / 2)
    assert coverage(over_clips, truth) < 0.85
    assert coverage(over_identities, truth) >= 0.88
    assert over_clips[0].value == over_identities[0].value


def test_a_single_speaker_of_a_class_gives_no_interval_over_identities():
    scores, is_fake = np.arange(6.0), np.array([False, False, True, True, True, False])
    speakers = ["a", "a", "a", "b", "c", "a"]
    auc = bootstrap.ranking_quality(scores, is_fake, identities=speakers).auc
    assert (auc.low, auc.note) == (None, "only one real identity: no interval")
    change = bootstrap.paired_auc_change(scores, -scores, is_fake, identities=speakers)
    assert (change.low, change.note) == (None, auc.note)


def test_pairing_over_identities_cancels_common_variation():
    before, is_fake = normal_clips(60, gap=1.0)
    speakers = [str(number // 6) for number in range(60)]
    same = bootstrap.paired_auc_change(before, before, is_fake, identities=speakers)
    assert same == (0.0, 0.0, 0.0, "")
    worse = bootstrap.paired_auc_change(before, before - is_fake, is_fake, identities=speakers)
    assert worse.low > 0


@pytest.mark.parametrize("identities", [["a", "b"], ["a", "b", "", "c"]])
def test_identities_must_be_given_for_all_clips_or_none(identities):
    scores, is_fake = np.arange(4.0), np.array([False, True, False, True])
    with pytest.raises(ValueError, match=r"every clip needs one.* for 4 clips"):
        bootstrap.ranking_quality(scores, is_fake, identities=identities)


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(0).normal(5, 2, 400)
    estimate = bootstrap.mean(values)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.low is not None
    assert estimate.high is not None
    width = 2 * 1.96 * values.std() / np.sqrt(400)
    assert estimate.high - estimate.low == pytest.approx(width, rel=0.1)
    assert estimate.low < values.mean() < estimate.high


def test_a_mean_of_one_or_no_clip_has_no_interval():
    one = bootstrap.mean(np.array([3.0]))
    assert (one.value, one.low, one.high) == (3, None, None)
    assert one.note == "only one clip: no interval"
    assert bootstrap.mean(np.zeros(0)) == (None, None, None, "no clips")
