"""One update: what the loss is divided by, and what the learning rate is multiplied by."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from avsync import optim, parallel
from avsync.losses import alignment
from avsync.train.state import new_state
from avsync.train.step import Rule, make_train_step
from avsync.types import Batch

PLATEAU = optim.make_plateau("plateau", factor=0.5, patience=0)


def scaled_agreement(params, visual, audio, valid):
    """offset_logits [b t 3]: a frame's picture times each sound around it, times one number."""
    sounds = jnp.pad(audio[..., 0], ((0, 0), (1, 1)))
    time = visual.shape[1]
    return params["scale"] * visual * jnp.stack([sounds[:, k : k + time] for k in range(3)], -1)


def a_batch(num_counted: int) -> Batch:
    generator = np.random.default_rng(0)
    visual, audio = generator.standard_normal((2, 1, 8, 1)).astype(np.float32)
    valid = np.ones((1, 8), bool)
    counted = np.arange(8)[None] < num_counted
    return Batch(visual, audio, valid, counted, np.zeros(1, np.int32))


def update(batch: Batch, *, reduction: str, rate_scale: float = 1.0):
    """The parameter and the metrics after one step of gradient descent at rate 1."""
    optimiser = optax.sgd(1.0)
    state = new_state({"scale": jnp.float32(0.5)}, optimiser=optimiser, plateau=PLATEAU)
    plateau = state.patience.plateau._replace(scale=jnp.float32(rate_scale))
    state = state._replace(patience=state.patience._replace(plateau=plateau))
    step = make_train_step(scaled_agreement, Rule(optimiser, alignment.objective, reduction))
    state, metrics = parallel.map_step(step, donate_state=False)(state, parallel.spread(batch))
    return float(state.params["scale"]), {k: v.item() for k, v in jax.device_get(metrics).items()}


def test_the_gradient_of_a_sum_is_that_of_the_mean_times_the_frames_that_count():
    for num_counted in (3, 8):
        by_mean, mean = update(a_batch(num_counted), reduction="mean")
        by_sum, total = update(a_batch(num_counted), reduction="sum")
        assert by_sum - 0.5 == pytest.approx(num_counted * (by_mean - 0.5), rel=1e-5)
        assert by_mean != 0.5
        # What is reported is nats a frame either way.
        assert mean["loss"] == total["loss"]
        assert mean["num_frames"] == total["num_frames"] == num_counted


def test_frames_that_do_not_count_are_there_to_be_chosen_from():
    batch = a_batch(3)
    _, with_neighbours = update(batch, reduction="mean")
    alone = batch._replace(audio=batch.audio * batch.counted[..., None])
    _, without = update(alone, reduction="mean")
    assert with_neighbours["loss"] != without["loss"]


def test_an_update_is_scaled_as_the_plateau_says():
    whole, _ = update(a_batch(8), reduction="mean")
    half, _ = update(a_batch(8), reduction="mean", rate_scale=0.5)
    assert half - 0.5 == pytest.approx((whole - 0.5) / 2, rel=1e-5)


def test_an_unknown_reduction_is_named():
    with pytest.raises(ValueError, match="did you mean 'mean'"):
        make_train_step(scaled_agreement, Rule(optax.sgd(1.0), alignment.objective, "men"))
