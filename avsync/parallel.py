"""Data parallelism: a step is a per-device function, mapped over the axis "data" by `jax.pmap`.

The mapping is one line, in `map_step`. Since jax 0.9.2 `jax.pmap` is `jit(shard_map)` underneath,
over a one-dimensional mesh of the devices. Within a step `lax.psum(..., AXIS)` sums over devices.
The state is a plain pytree without a device axis, replicated on all devices
(`NamedSharding(mesh, PartitionSpec())`); only batches have a device axis.

Training maps its update over the devices of all processes: every process must start the same
updates, with batches of the same shapes. Validation, scoring and extraction map over the devices of
their own process ("local"), since the number and the shapes of its batches differ per process.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "data"


def map_step(step: Callable[..., Any], *, donate_state: bool) -> Callable[..., Any]:
    """Maps a per-device `step(state, batch)` over all devices; `batch` comes from `shard_batch`.

    The outputs of `step` must be equal on all devices, and are returned without a device axis.
    With `donate_state` the buffers of the state are reused for the result; the first state must
    then come from `replicate`.
    """
    donated = (0,) if donate_state else ()
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0), out_axes=None, donate_argnums=donated)


def map_step_local(step: Callable[..., Any]) -> Callable[..., Any]:
    """Maps a per-device `step(params, batch)` over the devices of this process.

    The outputs of `step` must be equal on these devices. `params` come from `as_local`.
    """
    devices = jax.local_devices()
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0), out_axes=None, devices=devices)


def map_scores(score: Callable[..., Any]) -> Callable[..., Any]:
    """Maps `score(params, batch)` over the devices of this process; outputs keep the device axis.

    `params` come from `replicate_local`.
    """
    return jax.pmap(score, axis_name=AXIS, in_axes=(None, 0), devices=jax.local_devices())


def replicate(tree: Any) -> Any:
    """A host tree on every device of the job, without a device axis."""
    sharding = _replicated(jax.devices())
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), tree)


def replicate_local(tree: Any) -> Any:
    """A host tree on every device of this process, without a device axis."""
    return jax.device_put(tree, _replicated(jax.local_devices()))


def as_local(tree: Any) -> Any:
    """This process's copies of a tree that is replicated on every device of the job."""
    return _reshard(jax.local_devices(), tree)


def as_global(tree: Any) -> Any:
    """One tree on every device of the job, made of the equal trees of all processes.

    A step returns each process's own copies; a checkpoint of those would be written by every
    process.
    """
    return _reshard(jax.devices(), tree)


def shard_batch(batch: Any) -> Any:
    """[b, ...] on the host to [local devices, b / local devices, ...] on the devices.

    ValueError if b is not a multiple of the number of local devices.
    """
    devices = jax.local_device_count()
    sharding = NamedSharding(_mesh(jax.local_devices()), PartitionSpec(AXIS))

    def split(x: np.ndarray) -> np.ndarray:
        if len(x) % devices:
            raise ValueError(
                f"a batch of {len(x)} clips cannot be split evenly over {devices} devices; "
                f"use a multiple of {devices}"
            )
        return x.reshape(devices, len(x) // devices, *x.shape[1:])

    # An explicit transfer is asynchronous; a step would block on an implicit one.
    return jax.device_put(jax.tree.map(split, batch), sharding)


def to_host(tree: Any) -> Any:
    """[local devices, n, ...] on the devices to [local devices * n, ...] on the host."""
    return jax.tree.map(lambda x: np.asarray(x).reshape(-1, *x.shape[2:]), tree)


def _mesh(devices: Sequence[Any]) -> Mesh:
    return Mesh(np.array(devices), (AXIS,))


def _replicated(devices: Sequence[Any]) -> NamedSharding:
    return NamedSharding(_mesh(devices), PartitionSpec())


def _reshard(devices: Sequence[Any], tree: Any) -> Any:
    """The same buffers, without a copy, as arrays replicated on `devices`."""
    sharding = _replicated(devices)

    def reshard(x: jax.Array) -> jax.Array:
        buffers = [shard.data for shard in x.addressable_shards]
        return jax.make_array_from_single_device_arrays(x.shape, sharding, buffers)

    return jax.tree.map(reshard, tree)
