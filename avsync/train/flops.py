"""How much a step computes, and how fast its devices can: what mfu is measured by.

Counted are the convolutions and matrix products, those that are computed again included. XLA's own
cost_analysis counts a loop's body once, however often it runs, and leaves out what a GPU's
libraries do; measured is a large product, since tables of peaks know neither CPUs nor power limits.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from avsync import parallel

# Sides of the square matrices: 0.3 GFLOP take milliseconds on a CPU, 1.1 TFLOP on an accelerator.
CPU_SIDE, SIDE = 512, 8192
NUM_TIMED = 5


def count_flops(step: Callable[..., Any], *inputs: Any) -> Counter[str]:
    """Operations of one device in one call of a mapped step, by the type of what they work on.

    A multiply-add is two. The body of a loop counts as often as it runs; of loops that end when
    something becomes true, of which avsync has none, once.
    """
    return _count(jax.make_jaxpr(step)(*inputs).jaxpr)


def measured_peak(dtype: str) -> float:
    """Operations a second of one device in a large matrix product, all local devices at work."""
    side = CPU_SIDE if jax.default_backend() == "cpu" else SIDE
    matrix = parallel.replicate(np.ones((side, side), jnp.dtype(dtype)))
    rows = parallel.shard_batch(np.zeros(jax.local_device_count(), np.int32))
    product = parallel.map_step(lambda x, _: x @ x, donate_state=False)
    seconds = []
    for _ in range(1 + NUM_TIMED):  # the first is compiled
        start = time.monotonic()
        jax.block_until_ready(product(matrix, rows))
        seconds.append(time.monotonic() - start)
    return 2 * side**3 / min(seconds[1:])


def _count(jaxpr: Any) -> Counter[str]:
    total: Counter[str] = Counter()
    for equation in jaxpr.eqns:
        kind, shapes = equation.primitive.name, [x.aval for x in equation.invars]
        if kind == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            terms = math.prod(shapes[0].shape[i] for i in contracted)
            total[str(shapes[0].dtype)] += 2 * equation.outvars[0].aval.size * terms
        elif kind == "conv_general_dilated":
            # Of a kernel [out, in / groups, ...] each output takes one filter.
            out_axis = equation.params["dimension_numbers"].rhs_spec[0]
            terms = shapes[1].size // shapes[1].shape[out_axis]
            total[str(shapes[0].dtype)] += 2 * equation.outvars[0].aval.size * terms
        times = equation.params["length"] if kind == "scan" else 1
        for inner in _inner(equation.params):
            for dtype, flops in _count(inner).items():
                total[dtype] += times * flops
    return total


def _inner(params: dict[str, Any]) -> list[Any]:
    """The programs that an equation calls."""
    values = jax.tree.leaves(list(params.values()), is_leaf=lambda x: hasattr(x, "eqns"))
    programs = [getattr(x, "jaxpr", x) for x in values]
    return [program for program in programs if hasattr(program, "eqns")]
