"""Learning-rate schedules, gradient clipping and weight decay, by values checked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from avsync import build
from avsync.config import default
from avsync.train import optim


def run(gradients: list[list[float]], *, max_gradient_norm: float) -> np.ndarray:
    """Two parameters after one update per gradient, at a constant rate."""
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


def test_a_gradient_above_the_maximum_norm_is_scaled_to_it():
    # [300, 400] has norm 500 and is scaled to [0.6, 0.8]; [0.3, 0.4] has norm 0.5.
    clipped = run([[0.3, 0.4], [300, 400]], max_gradient_norm=1.0)
    expected = run([[0.3, 0.4], [0.6, 0.8]], max_gradient_norm=0.0)
    np.testing.assert_allclose(clipped, expected, rtol=1e-6)
    unclipped = run([[0.3, 0.4], [300, 400]], max_gradient_norm=0.0)
    assert np.abs(unclipped - clipped).min() > 1e-3


def rates(name: str, *, warmup_steps: int, num_steps: int = 8) -> list[float]:
    """The learning rate of each update, with a peak of 0.4."""
    schedule = optim.make_schedule(name, peak=0.4, num_steps=num_steps, warmup_steps=warmup_steps)
    return [float(schedule(step)) for step in range(num_steps)]


def test_warm_up_rises_linearly_from_zero_to_the_peak():
    assert rates("constant", warmup_steps=4) == pytest.approx(
        [0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4]
    )


@pytest.mark.parametrize("name", ["constant", "plateau"])
def test_constant_and_plateau_schedules_stay_at_the_peak(name):
    assert rates(name, warmup_steps=0) == pytest.approx([0.4] * 8)


def test_cosine_falls_from_the_peak_to_zero_after_the_warm_up():
    # 4 updates of warm-up, then 0.2 (1 + cos) at 0, 45, 90 and 135 degrees; 180 would be the next.
    cosine = [0.2 * (1 + c) for c in (1, 0.70710678, 0, -0.70710678)]
    assert rates("cosine", warmup_steps=4) == pytest.approx([0, 0.1, 0.2, 0.3, *cosine], abs=1e-7)
    schedule = optim.make_schedule("cosine", peak=0.4, num_steps=8, warmup_steps=4)
    assert float(schedule(8)) == pytest.approx(0, abs=1e-7)


def test_warm_up_as_long_as_the_training_is_refused():
    with pytest.raises(ValueError, match=r"warmup_steps must be 0 to 7, .* got 8"):
        rates("cosine", warmup_steps=8)


def test_weight_decay_shrinks_kernels_but_not_biases_norms_and_scales():
    params = {
        "conv": {"kernel": jnp.full((3, 2, 4), 2.0), "bias": jnp.full(4, 2.0)},
        "dense": {"kernel": jnp.full((4, 5), 2.0)},
        "norm": {"scale": jnp.full(4, 2.0)},
        "temperature": jnp.float32(2.0),
    }
    schedule = optim.make_schedule("constant", peak=0.1, num_steps=10, warmup_steps=0)
    optimiser = optim.make_optimiser(
        "adamw", schedule=schedule, weight_decay=0.5, max_gradient_norm=0.0
    )
    # Without a gradient AdamW changes a decayed array by -rate x decay x value = -0.1 x 0.5 x 2.
    zeros = jax.tree.map(jnp.zeros_like, params)
    updates, _ = optimiser.update(zeros, optimiser.init(params), params)
    assert float(updates["conv"]["kernel"][0, 0, 0]) == pytest.approx(-0.1)
    assert float(updates["dense"]["kernel"][0, 0]) == pytest.approx(-0.1)
    for spared in (updates["conv"]["bias"], updates["norm"]["scale"], updates["temperature"]):
        assert not np.any(spared)


def test_every_array_of_the_default_model_named_kernel_is_decayed_and_no_other():
    config = default()
    model = build.make_model(config)
    params = jax.eval_shape(lambda: build.init_params(model, build.inputs_like(), seed=0))
    leaves = jax.tree_util.tree_leaves_with_path(optim.decay_mask(params))
    is_decayed = {jax.tree_util.keystr(path): decayed for path, decayed in leaves}
    assert any(is_decayed.values())
    assert is_decayed == {name: name.endswith("['kernel']") for name in is_decayed}


def test_adam_with_weight_decay_is_refused():
    schedule = optim.make_schedule("constant", peak=0.1, num_steps=10, warmup_steps=0)
    with pytest.raises(ValueError, match="adam has no weight decay; use optimiser 'adamw'"):
        optim.make_optimiser("adam", schedule=schedule, weight_decay=0.1, max_gradient_norm=0.0)
