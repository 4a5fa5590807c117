"""What of the forward pass is kept for the backward pass, and what is computed again."""

import jax

from avsync import lookup
from avsync.train.step import Apply

# "cheap": all but the results of convolutions and matrix products, which take nearly all the time
# and a fraction of the memory. "all": everything; of use where a model keeps the inputs of its
# blocks by itself, and for small memories.
RECOMPUTED = {
    "cheap": jax.checkpoint_policies.dots_saveable,
    "all": jax.checkpoint_policies.nothing_saveable,
}
NONE = "none"


def recomputing(apply: Apply, what: str) -> Apply:
    """`apply`, whose gradient computes `what` again instead of keeping it; ValueError lists names.

    The gradient is the same, its memory less and its time more.
    """
    if what == NONE:
        return apply
    if what not in RECOMPUTED:
        raise ValueError(lookup.unknown("recompute", what, [NONE, *RECOMPUTED]))
    return jax.checkpoint(apply, policy=RECOMPUTED[what])
