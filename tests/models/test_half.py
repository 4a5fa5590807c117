"""Activations in bfloat16: sums, norms and roots stay in float32."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build
from avsync.config import Config, default, encoder
from avsync.config import head as make_head
from avsync.models.layers import product
from avsync.train.losses.alignment import alignment_nll

# With the 8 bits of bfloat16, sums and roots have at most two correct digits.
DELICATE = {"reduce_sum", "cumsum", "exp", "exp2", "log", "log1p", "logistic", "rsqrt", "sqrt"}


def small(dtype: str, head: str, visual: str) -> Config:
    config = default()
    config.model.dtype = dtype
    blocks = {"blocks": (1,)} if visual == "lip_conv" else {}
    config.model.visual = encoder(
        visual, pool=4, stem_width=8, widths=(8,), features=16, embedding=16, **blocks
    )
    config.model.audio.update(num_bands=16, widths=(8, 8, 16), embedding=16)
    sizes = {"projection": 8, "widths": (16, 8)} if head == "fusion_mlp" else {}
    config.model.head = make_head(head, **sizes)
    return config


def operations(jaxpr: Any) -> set[tuple[str, str]]:
    """(operation, dtype of its input) of everything in a program, loops included."""
    found = set()
    for equation in jaxpr.eqns:
        found |= {(equation.primitive.name, str(x.aval.dtype)) for x in equation.invars[:1]}
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            program = getattr(value, "jaxpr", value)
            if hasattr(program, "eqns"):
                found |= operations(program)
    return found


@pytest.mark.parametrize(("head", "visual"), [("cosine", "lip_patch"), ("fusion_mlp", "lip_conv")])
def test_only_products_are_in_half_precision(head, visual):
    model = build.make_model(small("bfloat16", head, visual))
    inputs = build.inputs_like()
    arrays = [jnp.asarray(x) for x in (inputs.visual, inputs.audio, inputs.valid)]
    params = jax.eval_shape(lambda: build.init_params(model, inputs, seed=0))

    def loss(params):
        logits = build.make_apply(model)(params, *arrays)
        return alignment_nll(logits, arrays[2]).sum()

    done = operations(jax.make_jaxpr(loss)(params).jaxpr)
    in_half = {name for name, dtype in done if dtype == "bfloat16"}
    assert {"dot_general", "conv_general_dilated"} <= in_half
    assert not in_half & DELICATE
    assert DELICATE & {name for name, dtype in done if dtype == "float32"}
    # Parameters stay in float32.
    assert {x.dtype for x in jax.tree.leaves(params)} == {np.dtype(np.float32)}


def test_the_loss_is_close_to_that_of_full_precision():
    generator = np.random.default_rng(0)
    visual = jnp.asarray(generator.integers(0, 256, (1, 20, 88, 88, 1), np.uint8))
    audio = jnp.asarray(generator.integers(-9999, 9999, (1, 20 * 640)).astype(np.int16))
    valid = jnp.ones((1, 20), bool)
    params, losses = None, []
    for dtype in ("float32", "bfloat16"):
        model = build.make_model(small(dtype, "cosine", "lip_patch"))
        params = params or build.init_params(model, build.inputs_like(), seed=0)
        logits = jax.jit(build.make_apply(model))(params, visual, audio, valid)
        assert logits.dtype == jnp.float32
        losses.append(float(alignment_nll(logits, valid).sum()) / 20)
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert losses[1] != losses[0]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_product_of_halves_keeps_its_digits_and_its_gradients_are_products_of_halves(axis):
    generator = np.random.default_rng(0)
    exact = generator.normal(size=(2, 5, 64)), generator.normal(size=(64, 48))
    x, kernel = (jnp.asarray(values, jnp.bfloat16) for values in exact)
    kernel = kernel if axis == 0 else kernel.T

    def summed(x, kernel):
        return jnp.square(product(x, kernel, axis)).sum()

    def summed_in_full(x, kernel):
        return jnp.square(jnp.tensordot(x, kernel, ((2,), (axis,)), precision="highest")).sum()

    full = [values.astype(jnp.float32) for values in (x, kernel)]
    assert float(summed(x, kernel)) == pytest.approx(float(summed_in_full(*full)), rel=1e-5)
    gradients = jax.grad(summed, (0, 1))(x, kernel)
    for got, wanted in zip(gradients, jax.grad(summed_in_full, (0, 1))(*full), strict=True):
        assert got.dtype == jnp.bfloat16
        error = np.abs(got.astype(jnp.float32) - wanted).max()
        assert error < 0.02 * np.abs(wanted).max()
    program = jax.make_jaxpr(jax.grad(summed, (0, 1)))(x, kernel).jaxpr
    assert {name for name, dtype in operations(program) if dtype == "bfloat16"} >= {"dot_general"}
    assert ("dot_general", "float32") not in operations(program)
