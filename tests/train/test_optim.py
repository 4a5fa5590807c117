"""The optimiser's own promises."""

import jax.numpy as jnp
import numpy as np
import optax

from avsync.train import optim


def run(gradients: list[list[float]], *, max_gradient_norm: float) -> np.ndarray:
    """Two parameters after one update for each gradient, at a constant rate."""
    schedule = optim.make_schedule("constant", peak=0.1, num_steps=10, warmup_steps=0)
    optimiser = optim.make_optimiser(
        "adam", schedule=schedule, weight_decay=0.0, max_gradient_norm=max_gradient_norm
    )
    params = jnp.zeros(2)
    state = optimiser.init(params)
    for gradient in gradients:
        updates, state = optimiser.update(jnp.array(gradient, float), state, params)
        params = optax.apply_updates(params, updates)
    return np.asarray(params)


def test_a_gradient_longer_than_the_limit_is_cut_to_it_and_keeps_its_direction():
    # [300, 400] has norm 500: cut to 1 it is [0.6, 0.8]; [0.3, 0.4] is short enough.
    cut = run([[0.3, 0.4], [300, 400]], max_gradient_norm=1.0)
    as_if = run([[0.3, 0.4], [0.6, 0.8]], max_gradient_norm=0.0)
    np.testing.assert_allclose(cut, as_if, rtol=1e-6)
    uncut = run([[0.3, 0.4], [300, 400]], max_gradient_norm=0.0)
    assert np.abs(uncut - cut).min() > 1e-3
