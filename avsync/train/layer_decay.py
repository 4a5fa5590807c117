"""Layer-wise decay of the learning rate: the lower a layer of an encoder, the less it changes.

The parameters of the head keep the learning rate. In an encoder with a stack of n blocks, the
factor is `decay` for the top block, decay^2 for the one below it, ... decay^n for the lowest, and
decay^(n + 1) for everything below the blocks; the norm above them keeps the rate (ELECTRA, Clark et
al., ICLR 2020; BEiT, Bao et al., ICLR 2022). An encoder without such a stack is one layer, with the
factor `decay`.
"""

from typing import Any

import jax
import numpy as np
import optax

from avsync.partition import BLOCKS, named, nested, stack_of

HEAD = "head"
ABOVE_BLOCKS = "final_norm"  # in the module that has the blocks


def layer_factors(params: Any, *, decay: float) -> Any:
    """The factor of the learning rate of each array of `params`, whole parameters or their shapes.

    A number, or for stacked arrays an array that broadcasts along their leading axis. ValueError if
    `decay` is not in (0, 1].
    """
    if not 0 < decay <= 1:
        raise ValueError(
            f"config.optim.layer_decay must be above 0 and at most 1, where 1 is off; got {decay}"
        )
    arrays = dict(named(params))
    num_blocks = {
        name.partition(".")[0]: (stack_of(name), leaf.shape[0])
        for name, leaf in arrays.items()
        if stack_of(name)
    }
    factors: dict[str, Any] = {}
    for name, leaf in arrays.items():
        part = name.partition(".")[0]
        stack, num = num_blocks.get(part, ("", 0))
        if part == HEAD or (stack and name.startswith(stack.removesuffix(BLOCKS) + ABOVE_BLOCKS)):
            factors[name] = np.float32(1)
        elif stack_of(name):
            powers = np.float32(decay) ** np.arange(num, 0, -1, dtype=np.float32)
            factors[name] = powers.reshape(-1, *[1] * (leaf.ndim - 1))
        else:
            factors[name] = np.float32(decay) ** np.float32(num + 1)
    return nested(factors)


def scale_by_factors(factors: Any) -> optax.GradientTransformation:
    """Multiplies the updates by `factors`, a tree like theirs; it has no state."""
    return optax.stateless(
        lambda updates, _: jax.tree.map(lambda u, factor: u * factor, updates, factors)
    )
