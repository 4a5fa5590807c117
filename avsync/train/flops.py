"""The operations of a step and the peak rate of its devices, which define mfu.

Convolutions and matrix products are counted, including rematerialised ones. XLA's cost_analysis
counts the body of a loop once, however often it runs, and omits calls to GPU libraries. The peak is
measured on a large matrix product: tables of peak rates know neither CPUs nor power limits.
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

# Side of the square matrices: a product of 0.3 GFLOP takes milliseconds on a CPU, one of 1.1 TFLOP
# on an accelerator.
CPU_SIDE, SIDE = 512, 8192
NUM_TIMED = 5


def count_flops(step: Callable[..., Any], *inputs: Any) -> Counter[str]:
    """Operations of one device in one call of a mapped step, by dtype of the operands.

    A multiply-add is two operations. The body of a scan counts once per iteration, the body of a
    while loop, of which avsync has none, once.
    """
    return _count(jax.make_jaxpr(step)(*inputs).jaxpr)


def measured_peak(dtype: str) -> float:
    """Operations per second of one device in a large matrix product, all local devices busy."""
    side = CPU_SIDE if jax.default_backend() == "cpu" else SIDE
    matrix = parallel.replicate(np.ones((side, side), jnp.dtype(dtype)))
    rows = parallel.shard_batch(np.zeros(jax.local_device_count(), np.int32))
    product = parallel.map_step(lambda x, _: x @ x, donate_state=False)
    seconds = []
    for _ in range(1 + NUM_TIMED):  # the first call compiles
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
            # Each output takes one filter of the kernel [out, in / groups, ...].
            out_axis = equation.params["dimension_numbers"].rhs_spec[0]
            terms = shapes[1].size // shapes[1].shape[out_axis]
            total[str(shapes[0].dtype)] += 2 * equation.outvars[0].aval.size * terms
        times = equation.params["length"] if kind == "scan" else 1
        for inner in _inner(equation.params):
            for dtype, flops in _count(inner).items():
                total[dtype] += times * flops
    return total


def _inner(params: dict[str, Any]) -> list[Any]:
    """The jaxprs that an equation calls."""
    values = jax.tree.leaves(list(params.values()), is_leaf=lambda x: hasattr(x, "eqns"))
    programs = [getattr(x, "jaxpr", x) for x in values]
    return [program for program in programs if hasattr(program, "eqns")]
