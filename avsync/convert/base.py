"""The result of converting a published file, and the layers that several kinds share.

A kind is a module of this package with a function `convert_file(contents)` that returns a
`Checkpoint` or a `MetricNetwork`, where `contents` is what `torch_file.read` returns. It raises
ValueError, without naming the file, if the contents are not of its kind.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

# The tensors of a batch norm: gain, bias, mean, variance.
NORM_PARTS = ("weight", "bias", "running_mean", "running_var")

BATCH_NORM_EPSILON = 1e-5  # PyTorch's default; files do not record it


class Checkpoint(NamedTuple):
    """A model that was trained elsewhere, as a training of avsync would leave it.

    params: NumPy arrays, float32, in the tree that the model expects.
    config: the fields of avsync.config that differ from their defaults.
    """

    params: dict[str, Any]
    config: dict[str, Any]


class MetricNetwork(NamedTuple):
    """A network that only computes a metric, such as SyncNet, and is no model of avsync's own.

    params: NumPy arrays, float32.
    metric: its name in `avsync-score --metric=NAME`; the whole config of the checkpoint.
    """

    params: dict[str, Any]
    metric: str


class Converted(NamedTuple):
    """params: of one module, float32. options: attributes that the module must have for them."""

    params: dict[str, Any]
    options: dict[str, Any]


@runtime_checkable
class Tensor(Protocol):
    """A tensor in a file; `numpy` reads its values."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def numpy(self) -> np.ndarray: ...


def linear(state: Mapping[str, Tensor], name: str) -> dict[str, np.ndarray]:
    """The parameters of a Dense layer; PyTorch's kernel is [out in]."""
    kernel = np.ascontiguousarray(values(state, f"{name}.weight").T)
    return {"kernel": kernel, "bias": values(state, f"{name}.bias")}


def norm(state: Mapping[str, Tensor], name: str) -> dict[str, np.ndarray]:
    """The parameters of a LayerNorm."""
    return {"scale": values(state, f"{name}.weight"), "bias": values(state, f"{name}.bias")}


def folded(state: Mapping[str, Tensor], layer: str, norm: str) -> dict[str, np.ndarray]:
    """A convolution or Dense layer and the batch norm that follows it, as one layer with a bias."""
    gain, bias, mean, variance = (
        values(state, f"{norm}.{part}").astype(np.float64) for part in NORM_PARTS
    )
    scale = gain / np.sqrt(variance + BATCH_NORM_EPSILON)
    # [out in ...] to Flax's [... in out].
    kernel = np.moveaxis(values(state, f"{layer}.weight"), (1, 0), (-2, -1)) * scale
    before = values(state, f"{layer}.bias") if f"{layer}.bias" in state else 0.0
    return {
        "kernel": np.ascontiguousarray(kernel, np.float32),
        "bias": ((before - mean) * scale + bias).astype(np.float32),
    }


def values(state: Mapping[str, Tensor], name: str) -> np.ndarray:
    """The values of a tensor in float32."""
    return state[name].numpy().astype(np.float32)
