"""What is kept of a block for the backward pass."""

from typing import Any

import flax.linen as nn

from avsync import lookup

REMAT = ("none", "blocks")


def with_remat(block: type[nn.Module], remat: str, *, prevent_cse: bool = True) -> Any:
    """`block`, or for "blocks" one that keeps its input alone and computes the rest again.

    Out of a scan `prevent_cse` must be True, or XLA merges the second computation with the first
    and keeps everything after all; within one it cannot, and False leaves it free to fuse.
    """
    lookup.require("remat", remat, list(REMAT))
    return nn.remat(block, prevent_cse=prevent_cse) if remat == "blocks" else block
