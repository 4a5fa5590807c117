"""Operations of a step, by formulas simple enough to check by hand."""

import jax
import jax.numpy as jnp
import pytest

from avsync.train.flops import count_flops, measured_peak


def test_a_matrix_product_is_two_operations_per_term():
    a, b = jnp.ones((3, 4, 5)), jnp.ones((5, 7))
    assert count_flops(lambda a, b: jnp.tanh(a @ b), a, b) == {"float32": 2 * 3 * 4 * 7 * 5}


def test_operations_are_counted_by_dtype():
    a = jnp.ones((2, 2))
    found = count_flops(lambda a: (a @ a, a.astype(jnp.bfloat16) @ a.astype(jnp.bfloat16)), a)
    assert found == {"float32": 16, "bfloat16": 16}


@pytest.mark.parametrize("num_groups", [1, 2])
def test_a_convolution_is_two_operations_per_tap_and_channel(num_groups):
    x, kernel = jnp.ones((1, 10, 4)), jnp.ones((3, 4 // num_groups, 6))

    def convolve(x, kernel):
        return jax.lax.conv_general_dilated(
            x, kernel, [1], "VALID", dimension_numbers=("NTC", "TIO", "NTC"),
            feature_group_count=num_groups,
        )  # fmt: skip

    outputs = 8 * 6
    assert count_flops(convolve, x, kernel) == {"float32": 2 * outputs * 3 * 4 // num_groups}


def test_loop_iterations_and_rematerialisation_count():
    x = jnp.ones((4, 4))

    def thrice(x):
        return jax.lax.fori_loop(0, 3, lambda _, y: x @ y, x).sum()

    once = 2 * 4 * 4 * 4
    assert count_flops(thrice, x) == {"float32": 3 * once}

    def twice_deep(x):
        return jnp.sin(jnp.sin(x @ x) @ x).sum()

    def gradient(f):
        return count_flops(jax.grad(f), x)["float32"]

    # Forward 2; backward two for each. The first product is needed by the backward pass again.
    assert gradient(twice_deep) == 6 * once
    assert gradient(jax.checkpoint(twice_deep)) > 6 * once


def test_the_measured_peak_is_plausible():
    # A core does at least one multiplication per cycle, and no device yet 100 PFLOP/s.
    assert 1e8 < measured_peak("float32") < 1e17
