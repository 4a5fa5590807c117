"""The learning rate of each layer, by numbers checked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.partition import make_partition, named
from avsync.train import optim
from avsync.train.layer_decay import layer_factors


def params() -> dict:
    """A transformer of three blocks as one tower, a convolution as the other, and a head."""
    transformer = {
        "positions": {"kernel": jnp.ones((1, 1))},
        "blocks": {"query": {"kernel": jnp.ones((3, 1, 1)), "bias": jnp.ones((3, 1))}},
        "final_norm": {"scale": jnp.ones(1)},
    }
    return {
        "visual_encoder": {"resnet": {"bias": jnp.ones(1)}, "transformer": transformer},
        "audio_encoder": {"conv": {"bias": jnp.ones(1)}},
        "head": {"scale": jnp.ones(1)},
    }


EXPECTED = {
    "head.scale": [1],
    "audio_encoder.conv.bias": [0.5],
    "visual_encoder.transformer.final_norm.scale": [1],
    "visual_encoder.transformer.blocks.query.kernel": [0.125, 0.25, 0.5],
    "visual_encoder.transformer.blocks.query.bias": [0.125, 0.25, 0.5],
    "visual_encoder.transformer.positions.kernel": [0.0625],
    "visual_encoder.resnet.bias": [0.0625],
}


def test_the_factor_halves_with_each_block_from_the_top_down():
    factors = dict(named(layer_factors(params(), decay=0.5)))
    assert {name: np.ravel(x).tolist() for name, x in factors.items()} == EXPECTED


def test_the_update_of_each_layer_is_scaled_and_that_of_frozen_blocks_is_left_out():
    partition = make_partition("visual_encoder.transformer.blocks[:1]", params())
    trained = partition.trained_of(partition.split(params()))
    every = layer_factors(params(), decay=0.5)
    updates = first_updates(trained, factors=partition.trained_of(partition.split(every)))
    # The first update of Adam is the learning rate, 0.1, against the sign of the gradient.
    blocks = "visual_encoder.transformer.blocks.query."
    expected = {**EXPECTED, f"{blocks}kernel": [0.25, 0.5], f"{blocks}bias": [0.25, 0.5]}
    assert updates.keys() == expected.keys()
    for name, factor in expected.items():
        np.testing.assert_allclose(np.ravel(updates[name]), -0.1 * np.array(factor), rtol=1e-5)


def first_updates(trained, *, factors) -> dict[str, jax.Array]:
    schedule = optim.make_schedule("constant", peak=0.1, num_steps=10, warmup_steps=0)
    optimiser = optim.make_optimiser(
        "adam", schedule=schedule, weight_decay=0.0, max_gradient_norm=0.0, factors=factors
    )
    gradients = jax.tree.map(jnp.ones_like, trained)
    updates, _ = optimiser.update(gradients, optimiser.init(trained), trained)
    return dict(named(updates))


def test_weight_decay_spares_the_biases_of_stacked_blocks():
    # They have two axes, as the kernel of a layer has.
    mask = dict(named(optim.decay_mask(params())))
    assert {name for name, decayed in mask.items() if decayed} == {
        "visual_encoder.transformer.blocks.query.kernel",
        "visual_encoder.transformer.positions.kernel",
    }


@pytest.mark.parametrize("decay", [0.0, 1.1])
def test_a_factor_outside_of_0_to_1_is_refused(decay):
    with pytest.raises(ValueError, match="layer_decay must be above 0 and at most 1"):
        layer_factors(params(), decay=decay)
