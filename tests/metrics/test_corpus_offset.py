"""The offset that the clips of a corpus share: found in spite of outliers, or called not sure."""

import numpy as np
import pytest

from avsync.metrics.corpus_offset import corpus_offset


def test_the_interval_is_that_of_order_statistics():
    found = corpus_offset(np.arange(20))
    # P(B <= 5) = 0.021 and P(B <= 6) = 0.058 for B ~ Bin(20, 0.5): the 6th and the 15th.
    assert (found.median_frames, found.low, found.high) == (9.5, 5, 14)
    assert (found.is_sure, found.constant_frames) == (False, 0)
    # Five clips on one side of the median have probability 1/32 > 2.5%.
    assert corpus_offset(np.zeros(5, int)).low is None
    assert corpus_offset(np.zeros(6, int)).low == 0


def test_a_minority_of_wrong_offsets_does_not_move_the_constant():
    rng = np.random.default_rng(0)
    right, near, wrong = [2] * 50, [1] * 12 + [3] * 8, rng.integers(-15, 16, 20).tolist()
    found = corpus_offset(np.array(right + near + wrong), num_left_out=4)
    assert (found.constant_frames, found.low, found.high, found.is_sure) == (2, 2, 2, True)
    assert (found.num_clips, found.num_left_out) == (90, 4)
    assert found.described() == (
        "2 frames (0.08 s late), 95% interval 2 to 2, n = 90 real clips, 81% of them within 1 frame"
    )


@pytest.mark.parametrize(
    ("offsets", "reason"),
    [
        ([], "no real clip has an A/V offset"),
        ([2] * 19, "only 19 real clips have an A/V offset, and 20 are needed"),
        ([1, 2] * 30, "the interval holds several offsets, 1 to 2 frames"),
        # Two cameras.
        ([0] * 160 + [5] * 100, "only 62% of the clips lie within 1 frame of the median"),
        (list(range(-15, 16)) * 3 + [1] * 100, "only 56% of the clips lie within 1 frame"),
    ],
)
def test_an_offset_that_clips_do_not_share_is_not_sure(offsets, reason):
    found = corpus_offset(np.array(offsets, int))
    assert (found.is_sure, found.constant_frames) == (False, 0)
    assert found.reason.startswith(reason)
    assert reason in found.described()


def test_most_intervals_contain_the_median():
    rng = np.random.default_rng(0)
    found = [corpus_offset(np.round(rng.normal(1.9, 2, 40)).astype(int)) for _ in range(500)]
    # Rounded offsets have the median 2; 95% at least, as offsets of the same value widen it.
    assert np.mean([(x.low or 0) <= 2 <= (x.high or 0) for x in found]) >= 0.95
