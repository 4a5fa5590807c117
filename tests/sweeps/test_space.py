import math

import pytest

from avsync.sweeps.space import (
    choice,
    combined,
    integers,
    log_uniform,
    product,
    sample,
    search,
    uniform,
    zipped,
)

DRAWS = {"optim.learning_rate": log_uniform(1e-4, 1e-2), "data.trim": choice("none", "leading")}


def test_a_product_has_every_combination_and_varies_the_last_field_fastest():
    assert product({"a": [1, 2], "b": "xy"}) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_zipped_takes_one_value_of_each_field_per_run():
    assert zipped({"a": range(2), "b": "xy"}) == [{"a": 0, "b": "x"}, {"a": 1, "b": "y"}]


def test_zipped_refuses_fields_with_different_numbers_of_values():
    with pytest.raises(ValueError, match="got 2 of a, 3 of b; product gives"):
        zipped({"a": [1, 2], "b": [1, 2, 3]})


def test_combined_merges_every_pair_of_runs_and_the_second_takes_precedence():
    assert combined([{"a": 1, "b": 1}], [{"b": 2}, {"c": 3}]) == [
        {"a": 1, "b": 2},
        {"a": 1, "b": 1, "c": 3},
    ]


def test_equal_seeds_draw_equal_runs_and_different_seeds_different_ones():
    runs = sample(DRAWS, num_runs=5, seed=0)
    assert runs == sample(DRAWS, num_runs=5, seed=0)
    assert runs != sample(DRAWS, num_runs=5, seed=1)


def test_more_runs_or_another_field_leave_existing_draws_unchanged():
    runs = sample(DRAWS, num_runs=5, seed=0)
    more = sample({"optim.weight_decay": uniform(0.0, 1.0), **DRAWS}, num_runs=9, seed=0)
    assert [{field: run[field] for field in DRAWS} for run in more[:5]] == runs


def test_draws_stay_within_their_range_and_have_three_digits():
    draws = {"x": log_uniform(1.23456e-4, 1e-2), "y": uniform(-1.0, 2.0), "z": choice(3, 4)}
    for run in sample(draws, num_runs=300, seed=0):
        assert 1.23456e-4 <= run["x"] <= 1e-2
        assert run["x"] in (1.23456e-4, float(f"{run['x']:.3g}"))
        assert -1 <= run["y"] <= 2
        assert run["z"] in (3, 4)


def test_log_uniform_draws_each_order_of_magnitude_equally_often():
    runs = sample({"x": log_uniform(1e-4, 1e-2)}, num_runs=1000, seed=0)
    # Half of them lie below the middle; the standard deviation of that count is 16.
    assert abs(sum(math.log10(run["x"]) < -3 for run in runs) - 500) < 4 * 16


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: log_uniform(0.0, 1.0), r"needs 0 < low < high, got 0\.0 and 1\.0; use uniform"),
        (lambda: uniform(2.0, 1.0), r"needs low < high, got 2\.0 and 1\.0"),
        (lambda: choice(), "choice needs at least one option"),
    ],
)
def test_a_draw_from_an_empty_range_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_search_is_drawn_as_its_sample_and_grows_like_it():
    runs = search(DRAWS, num_runs=4, seed=3).sampled()
    assert runs == sample(DRAWS, num_runs=4, seed=3)
    assert search(DRAWS, num_runs=6, seed=3).sampled()[:4] == runs


def test_integers_are_drawn_from_both_ends_of_their_range():
    drawn = [run["x"] for run in sample({"x": integers(2, 4)}, num_runs=60, seed=0)]
    assert set(drawn) == {2, 3, 4}
    assert all(type(value) is int for value in drawn)


def test_a_search_of_a_function_is_refused():
    with pytest.raises(ValueError, match="x needs uniform, log_uniform, integers or choice"):
        search({"x": lambda rng: 1}, num_runs=3)
