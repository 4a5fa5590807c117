"""What is computed again is not kept; and the gradient does not know."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build
from avsync.build_training import make_apply_in_training
from avsync.config import Config, default
from avsync.models.layers import TemporalBlock
from avsync.train.remat import with_remat


def kept_bytes(config: Config) -> int:
    """What the backward pass of a config's model needs of the forward pass, for 3 s of a clip."""
    visual = jnp.zeros((1, 75, 88, 88, 1), jnp.uint8)
    audio, valid = jnp.zeros((1, 75 * 640), jnp.int16), jnp.ones((1, 75), bool)
    model = build.make_model(config)
    apply = make_apply_in_training(config, model)
    params = jax.eval_shape(lambda: build.init_params(model, build.inputs_like(), seed=0))
    backward = jax.eval_shape(
        lambda p: jax.vjp(lambda p: apply(p, visual, audio, valid), p)[1], params
    )
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(backward))


@pytest.mark.parametrize("resnet", [False, True])
def test_the_backward_pass_needs_less_of_the_forward_pass(resnet):
    config = default()
    if resnet:
        config.model.visual.update(
            pool=1, stem_stride=2, stem_width=64, widths=(64, 128, 256, 512), blocks=(2, 2, 2, 2)
        )
    everything = kept_bytes(config)
    config.train.remat = "cheap"
    assert kept_bytes(config) < 0.5 * everything


def test_the_gradient_is_the_same():
    block = TemporalBlock()
    x = jax.random.normal(jax.random.key(1), (2, 8, 4))
    valid = jnp.arange(8) < jnp.array([[8], [5]])
    params = block.init(jax.random.key(0), x, valid)

    def apply(*inputs: Any) -> Any:
        return block.apply(*inputs)

    def gradient(what: str):
        recomputed = with_remat(apply, what)
        return jax.jit(jax.grad(lambda p: jnp.sin(recomputed(p, x, valid)).sum()))(params)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        gradient("none"),
        gradient("cheap"),
    )


def test_an_unknown_name_is_named():
    with pytest.raises(ValueError, match="did you mean 'cheap'"):
        with_remat(jnp.sin, "cheep")
