"""One step on many devices: data parallelism over the axis "data", by `jax.pmap`.

A step is written for one device and says itself what is summed over the axis. The state is one
plain pytree, the same on every device; only batches have a device axis.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

AXIS = "data"


def map_step(step: Callable[..., Any], *, donate_state: bool) -> Callable[..., Any]:
    """`step(state, batch)` of one device to one over all devices, `batch` from `spread`.

    What the step returns must be equal on all devices. With `donate_state` the state's buffers are
    used again for the result: the first state must come from `replicate`.
    """
    donated = (0,) if donate_state else ()
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0), out_axes=None, donate_argnums=donated)


def map_scores(score: Callable[..., Any]) -> Callable[..., Any]:
    """`score(params, batch)` over all devices; its results keep their device axis."""
    return jax.pmap(score, axis_name=AXIS, in_axes=(None, 0))


def replicate(tree: Any) -> Any:
    """`tree` on every device of the job, without a device axis."""
    mesh = jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(jax.sharding.AxisType.Auto,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), tree)


def spread(batch: Any) -> Any:
    """[b, ...] to [local devices, b / local devices, ...], on its way to the devices.

    ValueError if b is not divisible.
    """
    devices = jax.local_device_count()
    mesh = jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(AXIS))

    def split(x: np.ndarray) -> np.ndarray:
        if len(x) % devices:
            raise ValueError(
                f"a batch of {len(x)} clips cannot be spread evenly over {devices} devices; "
                f"use a multiple of {devices}"
            )
        return x.reshape(devices, len(x) // devices, *x.shape[1:])

    # Put there by name: what a step would fetch from the host by itself, it would wait for.
    return jax.device_put(jax.tree.map(split, batch), sharding)


def gather(tree: Any) -> Any:
    """[local devices, n, ...] on the devices to [local devices * n, ...] on the host."""
    return jax.tree.map(lambda x: np.asarray(x).reshape(-1, *x.shape[2:]), tree)
