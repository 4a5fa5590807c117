"""One step on many devices: data parallelism over the axis "data", by `jax.pmap`.

A step is written for one device and says itself what is summed over the axis. The state is one
plain pytree, the same on every device; only batches have a device axis.

Updates run on the devices of all processes together: each process must begin the same ones, with
batches of the same shape. What sums nothing over the devices of others runs on those of its own
process alone ("here"), as often and with such shapes as its clips ask for.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

AXIS = "data"


def map_step(step: Callable[..., Any], *, donate_state: bool) -> Callable[..., Any]:
    """`step(state, batch)` of one device to one over all devices, `batch` from `shard_batch`.

    What the step returns must be equal on all devices. With `donate_state` the state's buffers are
    used again for the result: the first state must come from `replicate`.
    """
    donated = (0,) if donate_state else ()
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0), out_axes=None, donate_argnums=donated)


def map_step_here(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step(params, batch)` of one device to one over the devices of this process.

    What the step returns must be equal on these. `params` come from `keep_here`.
    """
    here = jax.local_devices()
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0), out_axes=None, devices=here)


def map_scores(score: Callable[..., Any]) -> Callable[..., Any]:
    """`score(params, batch)` over the devices of this process; results keep their device axis.

    `params` come from `replicate_here`.
    """
    return jax.pmap(score, axis_name=AXIS, in_axes=(None, 0), devices=jax.local_devices())


def replicate(tree: Any) -> Any:
    """`tree` on every device of the job, without a device axis."""
    sharding = _replicated(jax.devices())
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), tree)


def replicate_here(tree: Any) -> Any:
    """`tree` on every device of this process, without a device axis."""
    return jax.device_put(tree, _replicated(jax.local_devices()))


def keep_here(tree: Any) -> Any:
    """The copies that this process has of a tree that is on every device of the job."""
    return _as_seen_by(jax.local_devices(), tree)


def as_global(tree: Any) -> Any:
    """One tree on every device of the job, of those that the processes have, which are equal.

    A step gives each process its own; a checkpoint of them would be written by all.
    """
    return _as_seen_by(jax.devices(), tree)


def shard_batch(batch: Any) -> Any:
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


def to_host(tree: Any) -> Any:
    """[local devices, n, ...] on the devices to [local devices * n, ...] on the host."""
    return jax.tree.map(lambda x: np.asarray(x).reshape(-1, *x.shape[2:]), tree)


def _replicated(devices: Sequence[Any]) -> jax.sharding.NamedSharding:
    mesh = jax.sharding.Mesh(np.array(devices), (AXIS,))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())


def _as_seen_by(devices: Sequence[Any], tree: Any) -> Any:
    """The same buffers, of which nothing is copied, as arrays that are whole on each device."""
    sharding = _replicated(devices)

    def view(x: jax.Array) -> jax.Array:
        buffers = [shard.data for shard in x.addressable_shards]
        return jax.make_array_from_single_device_arrays(x.shape, sharding, buffers)

    return jax.tree.map(view, tree)
