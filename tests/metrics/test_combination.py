"""One p-value for many pieces, and which of them stand out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from avsync.metrics.combination import rejected, simes

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_one_piece_keeps_its_p_value():
    assert simes(np.array([0.3])) == 0.3


def test_one_strange_piece_and_many_slightly_strange_ones_both_count():
    assert simes(np.array([0.001, *[0.5] * 19])) == pytest.approx(0.02)
    assert simes(np.array([0.02] * 10 + [0.9] * 10)) == pytest.approx(0.04)
    assert simes(np.full(20, 0.03)) == pytest.approx(0.03)


@given(P_VALUES, st.floats(0.01, 0.2))
def test_a_piece_stands_out_if_and_only_if_the_file_alarms(p_values, rate):
    found = np.array(p_values)
    # Twice the same product: in floating point, p m / i <= rate is not quite p <= rate i / m.
    assert rejected(found, rate=rate).any() == (simes(found) <= rate) or np.isclose(
        simes(found), rate
    )


def test_those_that_stand_out_are_the_smallest():
    found = rejected(np.array([0.9, 0.001, 0.4, 0.012]), rate=0.05)
    assert found.tolist() == [False, True, False, True]


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_the_rate_holds_for_pieces_that_depend_on_each_other(correlation):
    rng = np.random.default_rng(0)
    shared, own = rng.normal(size=(3000, 1)), rng.normal(size=(3000, 20))
    p_values = stats.norm.sf(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)
    alarms = np.mean([simes(row) <= 0.05 for row in p_values])
    assert alarms <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3000)
