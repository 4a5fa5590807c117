"""The two forms of the paper's head: a scan over the offsets, and all offsets as one batch."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.models.heads import fusion_mlp
from avsync.models.heads.fusion_mlp import Head
from avsync.ops import in_sync_nll
from avsync.train import flops

REACH_FRAMES = 4


def loss_and_gradients(form: str, dtype: Any) -> tuple[jax.Array, jax.Array, Any]:
    """Of random features of two clips: the logits, the loss, and its gradients by all inputs."""
    random = np.random.default_rng(0)
    streams = jnp.asarray(random.normal(size=(2, 2, 12, 6)), jnp.float32)
    head = Head(projection=16, widths=(16, 8), dtype=dtype, form=form)
    params = head.init(jax.random.key(1), *streams, reach_frames=REACH_FRAMES)
    params = jax.tree.map(lambda x: x + jnp.asarray(0.1 * random.normal(size=x.shape)), params)

    @jax.jit
    def run(params: Any, streams: jax.Array) -> Any:
        def loss(params: Any, streams: jax.Array) -> tuple[jax.Array, jax.Array]:
            logits = head.apply(params, *streams, reach_frames=REACH_FRAMES)
            assert isinstance(logits, jax.Array)
            return in_sync_nll(logits).mean(), logits

        return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(params, streams)

    (value, logits), gradients = run(params, streams)
    return logits, value, gradients


def test_all_offsets_at_once_give_the_values_and_gradients_of_a_scan():
    scan = loss_and_gradients("scan", jnp.float32)
    assert float(jnp.ptp(scan[0])) > 1  # logits that differ, or any two forms would be equal
    assert_close(loss_and_gradients("batch", jnp.float32), scan, tolerance=1e-5)


@pytest.mark.parametrize("form", ["scan", "batch"])
def test_in_bfloat16_both_forms_are_close_to_float32(form):
    exact = loss_and_gradients("scan", jnp.float32)
    assert_close(loss_and_gradients(form, jnp.bfloat16), exact, tolerance=0.1)


def assert_close(found: Any, expected: Any, *, tolerance: float) -> None:
    """`tolerance` is relative to the largest value of each array."""
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        # The gradient by the last bias is 0: a softmax does not change with it.
        size = max(float(np.abs(other).max()), 0.1)
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * size)


def test_both_forms_take_the_same_operations():
    streams = jnp.zeros((2, 2, 12, 6))

    def operations(form: str) -> dict[str, int]:
        head = Head(projection=16, widths=(16, 8), form=form)

        def run(key: jax.Array) -> jax.Array:
            params = head.init(key, *streams, reach_frames=REACH_FRAMES)

            def loss(params: Any) -> jax.Array:
                return jnp.sum(jnp.asarray(head.apply(params, *streams, reach_frames=4)))

            return jax.tree.leaves(jax.grad(loss)(params))[0]

        return dict(flops.count_flops(run, jax.random.key(0)))

    assert operations("scan") == operations("batch")


@pytest.mark.parametrize(
    ("form", "platform", "num_frames", "chosen"),
    [
        ("auto", "cpu", 1, "scan"),
        ("auto", "gpu", 1024, "batch"),
        ("auto", "tpu", 1024, "batch"),
        ("auto", "gpu", fusion_mlp.MAX_FRAMES_AT_ONCE + 1, "scan"),
        ("batch", "cpu", 1, "batch"),
        ("scan", "gpu", 1, "scan"),
    ],
)
def test_the_form_is_chosen_by_the_platform_and_the_size(form, platform, num_frames, chosen):
    assert fusion_mlp.form_for(form, platform, num_frames=num_frames) == chosen


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="unknown form of the head: 'bach'; did you mean 'batch'"):
        fusion_mlp.form_for("bach", "cpu", num_frames=1)
