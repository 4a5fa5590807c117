"""Published SyncNet weights (Chung & Zisserman, ACCV 2016) to the parameters of `models.syncnet`.

The file is `syncnet_v2.model` of syncnet_python, which PyTorch 0.3 wrote; avsync ships no weights.

Batch norms are folded into the layers before them. The published network takes blue, green and red
in this order, as OpenCV reads images; the channels of the first kernel are reversed, so that the
converted one takes red, green, blue.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from avsync.convert import torch_file
from avsync.convert.base import NORM_PARTS, MetricNetwork, Tensor, folded, linear

# Layers under PyTorch's names, by the names of `models.syncnet`; each convolution is followed by a
# batch norm, and so is the first Dense layer.
FACE_CONVS = {0: (96, 3, 5, 7, 7), 4: (256, 96, 1, 5, 5)}
FACE_CONVS |= {i: (256, 256, 1, 3, 3) for i in (8, 11, 14)} | {18: (512, 256, 1, 6, 6)}
SOUND_CONVS = {0: (64, 1, 3, 3), 4: (192, 64, 3, 3), 8: (384, 192, 3, 3), 11: (256, 384, 3, 3)}
SOUND_CONVS |= {14: (256, 256, 3, 3), 18: (512, 256, 5, 4)}
TOWERS = {
    "face_tower": ("netcnnlip", FACE_CONVS, "netfclip"),
    "sound_tower": ("netcnnaud", SOUND_CONVS, "netfcaud"),
}
HIDDEN, EMBEDDING = 512, 1024

MAX_NAMED = 4  # tensors that an error names of each kind


def convert_file(contents: Mapping[str, Any]) -> MetricNetwork:
    """The network of a file that holds its tensors by name."""
    return MetricNetwork(convert(torch_file.only_tensors(contents)), "lse")


def convert(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The parameters of `models.syncnet.SyncNet`, float32.

    ValueError if a tensor is missing, unknown or of another shape.
    """
    _check(state)
    params = {}
    for tower, (convs, shapes, dense) in TOWERS.items():
        params[tower] = {
            f"conv{number}": folded(state, f"{convs}.{i}", f"{convs}.{i + 1}")
            for number, i in enumerate(shapes, start=1)
        }
        params[tower]["dense1"] = folded(state, f"{dense}.0", f"{dense}.1")
        params[tower]["dense2"] = linear(state, f"{dense}.3")
    for number in range(1, len(FACE_CONVS) + 1):
        conv = params["face_tower"][f"conv{number}"]
        # [time h w in out] to [h w (time in) out]: frames are the channels of a 2-D convolution.
        kernel = np.moveaxis(conv["kernel"], 0, 2)
        if number == 1:
            kernel = kernel[..., ::-1, :]  # blue, green, red to red, green, blue
        height, width, _, _, out = kernel.shape
        conv["kernel"] = np.ascontiguousarray(kernel).reshape(height, width, -1, out)
    return params


def _check(state: Mapping[str, Tensor]) -> None:
    expected = shapes()
    # PyTorch since 0.4.1 counts the batches of a batch norm.
    given = [name for name in state if not name.endswith(".num_batches_tracked")]
    wrong = [
        f"{name} is {list(state[name].shape)}, expected {list(shape)}"
        for name, shape in expected.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    problems = {
        "lacks": [name for name in expected if name not in state],
        "has unknown tensors:": [name for name in given if name not in expected],
        "has tensors of wrong shapes:": wrong,
    }
    found = [f"it {verb} {_listed(names)}" for verb, names in problems.items() if names]
    if found:
        raise ValueError(f"not the network of syncnet_v2.model: {'; '.join(found)}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"


def shapes() -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of the published file by name."""
    weights: dict[str, tuple[int, ...]] = {}
    norms: dict[str, int] = {}
    for convs, kernels, dense in TOWERS.values():
        for i, shape in kernels.items():
            weights[f"{convs}.{i}"] = shape
            norms[f"{convs}.{i + 1}"] = shape[0]
        weights |= {f"{dense}.0": (HIDDEN, HIDDEN), f"{dense}.3": (EMBEDDING, HIDDEN)}
        norms[f"{dense}.1"] = HIDDEN
    of_layers = {f"{name}.weight": shape for name, shape in weights.items()}
    of_layers |= {f"{name}.bias": (shape[0],) for name, shape in weights.items()}
    return of_layers | {
        f"{name}.{part}": (size,) for name, size in norms.items() for part in NORM_PARTS
    }
