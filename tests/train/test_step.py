"""One update: reduction, learning rate, gradient accumulation and moving average."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import parallel
from avsync.train import optim
from avsync.train.losses import alignment
from avsync.train.state import new_state
from avsync.train.step import UpdateRule, make_train_step
from avsync.types import Batch
from tests.train.optimisers import sgd

PLATEAU = optim.make_plateau("plateau", factor=0.5, patience=0)


def scaled_agreement(params, visual, audio, valid):
    """offset_logits [b t 3]: visual times each audio frame around it, times a scale."""
    sounds = jnp.pad(audio[..., 0], ((0, 0), (1, 1)))
    time = visual.shape[1]
    return params["scale"] * visual * jnp.stack([sounds[:, k : k + time] for k in range(3)], -1)


def a_batch(*num_in_loss: int) -> Batch:
    """A clip of 8 frames for each number of frames in the loss."""
    generator = np.random.default_rng(0)
    visual, audio = generator.standard_normal((2, len(num_in_loss), 8, 1)).astype(np.float32)
    valid = np.ones((len(num_in_loss), 8), bool)
    loss_mask = np.arange(8) < np.array(num_in_loss)[:, None]
    return Batch(visual, audio, valid, loss_mask, np.zeros(len(num_in_loss), np.int32))


def update(batch: Batch, *, rate_scale: float = 1.0, num_updates: int = 1, **rule):
    """The state and the metrics after updates by gradient descent at rate 1."""
    chosen = UpdateRule(sgd(1.0), alignment.objective, **rule)
    state = new_state(
        {"scale": jnp.float32(0.5)},
        optimiser=chosen.optimiser,
        plateau=PLATEAU,
        ema_decay=chosen.ema_decay,
    )
    plateau = state.patience.plateau._replace(scale=jnp.float32(rate_scale))
    state = state._replace(patience=state.patience._replace(plateau=plateau))
    step = parallel.map_step(make_train_step(scaled_agreement, chosen), donate_state=False)
    metrics = {}
    for _ in range(num_updates):
        state, metrics = step(state, parallel.shard_batch(batch))
    return state, {k: v.item() for k, v in jax.device_get(metrics).items()}


def scale_after(batch: Batch, **rule) -> float:
    state, _ = update(batch, **rule)
    return float(state.params["scale"])


def test_the_gradient_of_the_sum_is_that_of_the_mean_times_the_frames_in_the_loss():
    for num_in_loss in (3, 8):
        by_mean, mean = update(a_batch(num_in_loss), reduction="mean")
        by_sum, total = update(a_batch(num_in_loss), reduction="sum")
        by_mean, by_sum = (float(state.params["scale"]) for state in (by_mean, by_sum))
        assert by_sum - 0.5 == pytest.approx(num_in_loss * (by_mean - 0.5), rel=1e-5)
        assert by_mean != 0.5
        # The reported loss is in nats per frame either way.
        assert mean["loss"] == total["loss"]
        assert mean["num_frames"] == total["num_frames"] == num_in_loss


def test_frames_outside_the_loss_mask_are_still_candidates():
    batch = a_batch(3)
    _, with_context = update(batch)
    alone = batch._replace(audio=batch.audio * batch.loss_mask[..., None])
    _, without = update(alone)
    assert with_context["loss"] != without["loss"]


def test_the_plateau_scales_the_update_and_the_logged_learning_rate():
    (whole, metrics), (half, half_metrics) = (
        update(a_batch(8), rate_scale=scale) for scale in (1.0, 0.5)
    )
    whole, half = (float(state.params["scale"]) for state in (whole, half))
    assert half - 0.5 == pytest.approx((whole - 0.5) / 2, rel=1e-5)
    assert (metrics["learning_rate"], half_metrics["learning_rate"]) == (1.0, 0.5)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradient_accumulation_gives_the_update_of_the_whole_batch(reduction):
    # The frames in the loss are distributed unevenly over the parts.
    batch = a_batch(8, 1, 3, 5, 0, 0)
    whole, at_once = update(batch, reduction=reduction)
    for grad_accum_steps in (2, 3, 6):
        parts, in_turn = update(batch, reduction=reduction, grad_accum_steps=grad_accum_steps)
        assert float(parts.params["scale"]) == pytest.approx(float(whole.params["scale"]), rel=1e-6)
        assert in_turn == pytest.approx(at_once, rel=1e-6)


def test_a_batch_that_cannot_be_split_evenly_is_refused():
    with pytest.raises(ValueError, match="3 clips of a device cannot be split into 2 equal parts"):
        update(a_batch(8, 8, 8), grad_accum_steps=2)


def test_the_moving_average_is_fast_at_first_and_slow_later():
    batch = a_batch(8)
    at = [0.5, *(scale_after(batch, num_updates=n) for n in (1, 2, 3))]
    expected = at[0]
    # The decay is 1/10, then 2/11, then 3/12, but at most 0.2.
    for scale, stays in zip(at[1:], (1 / 10, 2 / 11, 0.2), strict=True):
        expected = stays * expected + (1 - stays) * scale
    state, _ = update(batch, ema_decay=0.2, num_updates=3)
    assert float(state.average["scale"]) == pytest.approx(expected, rel=1e-6)
    assert float(state.params["scale"]) == pytest.approx(at[3], rel=1e-6)
    assert state.eval_params == state.average
    without, _ = update(batch)
    assert without.eval_params is without.params


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"reduction": "men"}, "did you mean 'mean'"),
        ({"grad_accum_steps": 0}, "grad_accum_steps must be 1 or more, got 0"),
        ({"ema_decay": 1.0}, r"ema_decay must be in \[0, 1\)"),
    ],
)
def test_an_invalid_rule_is_refused(rule, message):
    with pytest.raises(ValueError, match=message):
        make_train_step(scaled_agreement, UpdateRule(sgd(1.0), alignment.objective, **rule))
