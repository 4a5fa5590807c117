"""The head of AVH-Align (Smeu et al., CVPR 2025) to the parameters of `heads.fusion_mlp`.

The published weights come under CC BY-NC-SA 4.0; avsync ships none. A file of the paper's
supervised variant, AVH-Align/sup, looks the same and is converted alike, but its logit says "fake"
where this one's says "in sync".
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from avsync.convert import torch_file
from avsync.convert._unpickler import Stub
from avsync.convert.base import Checkpoint
from avsync.convert.torch_file import TorchTensor

# The layers that have parameters, as PyTorch names them: of the perceptron, linear ones and the
# LayerNorms behind all of these but the last.
PROJECTIONS = ("visual_proj", "audio_proj")
LINEAR = ("mlp.0", "mlp.3", "mlp.6", "mlp.9")
NORMS = ("mlp.1", "mlp.4", "mlp.7")

# The paper's reach, where the file does not tell its own.
REACH_FRAMES = 15


class Sizes(NamedTuple):
    """Channels: of the features, of each stream's projection, of the hidden layers."""

    features: int
    projection: int
    widths: tuple[int, ...]


class Converted(NamedTuple):
    """params: of `heads.fusion_mlp.Head`, float32. options: the attributes it has for them."""

    params: dict[str, Any]
    options: dict[str, Any]


def convert_file(contents: Mapping[str, Any]) -> Checkpoint:
    """A model that scores features as the paper's code does, from the file that it saves."""
    params, options = convert(torch_file.state_dict(contents, entry="state_dict"))
    model = {
        "visual": {"name": "precomputed"},
        "audio": {"name": "precomputed"},
        "head": {"name": "fusion_mlp", **options},
        "reach_frames": _reach_frames(contents.get("args")),
        "edges": "official",
    }
    score = {"frame": "logit", "pooling": "logsumexp"}
    return Checkpoint({"head": params}, {"model": model, "score": score})


def _reach_frames(arguments: Any) -> int:
    """The `tau` of the command line that trained the head: an argparse.Namespace, so a stub."""
    options = arguments.state if isinstance(arguments, Stub) else None
    reach_frames = options.get("tau", REACH_FRAMES) if isinstance(options, dict) else REACH_FRAMES
    if not isinstance(reach_frames, int) or reach_frames < 1:
        raise ValueError(f"its args have tau = {reach_frames!r}; it must be a number of frames")
    return reach_frames


def convert(state: Mapping[str, TorchTensor]) -> Converted:
    """The head whose tensors these are; its sizes are read from their shapes.

    ValueError lists the tensors that are missing, unknown or of a shape that fits no other's.
    """
    _, projection, widths = _check(state)
    # One matrix for both streams, the picture's columns first; its bias is added once.
    first = _values(state, "mlp.0.weight").T
    tail = {f"norm{i}": _norm(state, name) for i, name in enumerate(NORMS)}
    tail |= {f"dense{i}": _linear(state, name) for i, name in enumerate(LINEAR[1:-1])}
    tail["logit"] = _linear(state, LINEAR[-1])
    params = {
        **{name: _linear(state, name) for name in PROJECTIONS},
        "visual_first": {"kernel": np.ascontiguousarray(first[:projection])},
        "audio_first": {
            "kernel": np.ascontiguousarray(first[projection:]),
            "bias": _values(state, "mlp.0.bias"),
        },
        "tail": tail,
    }
    return Converted(params, {"projection": projection, "widths": widths})


def _check(state: Mapping[str, TorchTensor]) -> Sizes:
    layers = (*PROJECTIONS, *LINEAR, *NORMS)
    known = [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    _refuse("it lacks", [name for name in known if name not in state])
    _refuse("this head has no", [name for name in state if name not in known])
    matrices = [f"{layer}.weight" for layer in (*PROJECTIONS, *LINEAR)]
    _refuse("no matrix is", [name for name in matrices if len(state[name].shape) != 2])
    projection, features = state["visual_proj.weight"].shape
    widths = tuple(state[f"{layer}.weight"].shape[0] for layer in LINEAR[:-1])
    sizes = Sizes(features, projection, widths)
    wrong = [
        f"{name} {list(state[name].shape)} instead of {list(shape)}"
        for name, shape in _shapes(sizes).items()
        if state[name].shape != shape
    ]
    _refuse(f"with {sizes}, it has", wrong)
    return sizes


def _shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    before, after = (2 * sizes.projection, *sizes.widths), (*sizes.widths, 1)
    weights = dict.fromkeys(PROJECTIONS, (sizes.projection, sizes.features))
    weights |= dict(zip(LINEAR, zip(after, before, strict=True), strict=True))
    vectors = {f"{name}.bias": (shape[0],) for name, shape in weights.items()}
    for name, width in zip(NORMS, sizes.widths, strict=True):
        vectors |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return {f"{name}.weight": shape for name, shape in weights.items()} | vectors


def _refuse(what: str, names: list[str]) -> None:
    if names:
        raise ValueError(f"{what} {', '.join(names)}")


def _linear(state: Mapping[str, TorchTensor], name: str) -> dict[str, np.ndarray]:
    # PyTorch has [out in].
    kernel = np.ascontiguousarray(_values(state, f"{name}.weight").T)
    return {"kernel": kernel, "bias": _values(state, f"{name}.bias")}


def _norm(state: Mapping[str, TorchTensor], name: str) -> dict[str, np.ndarray]:
    return {"scale": _values(state, f"{name}.weight"), "bias": _values(state, f"{name}.bias")}


def _values(state: Mapping[str, TorchTensor], name: str) -> np.ndarray:
    return state[name].numpy().astype(np.float32)
