"""The head of AVH-Align (Smeu et al., CVPR 2025) to the parameters of `heads.fusion_mlp`.

The published weights are licensed CC BY-NC-SA 4.0; avsync ships none. The paper's supervised
baseline has the same tensors, but there a high logit means "fake", and here "in sync": see
`avh_align_sup`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from avsync.convert import torch_file
from avsync.convert._unpickler import Stub, brief
from avsync.convert.base import Checkpoint, Converted, Tensor, linear, norm, values
from avsync.types import STREAMS
from avsync.units import MAX_REACH_FRAMES

# Layers with parameters under PyTorch's names: the linear layers of the perceptron, and the
# LayerNorms that follow all of them but the last.
PROJECTIONS = ("visual_proj", "audio_proj")
LINEAR = ("mlp.0", "mlp.3", "mlp.6", "mlp.9")
NORMS = ("mlp.1", "mlp.4", "mlp.7")

# The paper's reach, for files that do not record theirs.
REACH_FRAMES = 15

# PyTorch Lightning's entry for the config of a training; of the two heads, only the supervised one
# is trained with Lightning.
HYPER_PARAMETERS = "hyper_parameters"


class Sizes(NamedTuple):
    """Numbers of channels: features, projection of each stream, hidden layers."""

    features: int
    projection: int
    widths: tuple[int, ...]


def convert_file(contents: Mapping[str, Any]) -> Checkpoint:
    """A model that scores features as the paper's code does, from a file that this code saved.

    ValueError if the file holds the head of the supervised baseline.
    """
    if HYPER_PARAMETERS in contents:
        raise ValueError(
            f"it has {HYPER_PARAMETERS}, saved by PyTorch Lightning: it is a head of AVH-Align/sup "
            "or AVPF, trained on labels, where a high logit means fake. Convert it with "
            "`avsync-convert avh_align_sup`"
        )
    converted = convert(torch_file.state_dict(contents, entry="state_dict"))
    tau = reach_of(contents.get("args"))
    reach_frames = REACH_FRAMES if tau is None else tau
    if type(reach_frames) is not int or not 1 <= reach_frames <= MAX_REACH_FRAMES:
        raise ValueError(
            f"its args have tau = {brief(reach_frames)}, which must be 1 to {MAX_REACH_FRAMES} "
            "frames"
        )
    model = model_section(converted, reach_frames=reach_frames, edges="official")
    score = {"frame": "logit", "pooling": "logsumexp"}
    return Checkpoint({"head": converted.params}, {"model": model, "score": score})


def model_section(head: Converted, *, reach_frames: int, edges: str) -> dict[str, Any]:
    """The section `model` of the config of a head of features; the encoder is not recorded."""
    channels = len(head.params["visual_proj"]["kernel"])
    return {
        **{stream: {"name": "precomputed", "channels": channels} for stream in STREAMS},
        "head": {"name": "fusion_mlp", **head.options},
        "reach_frames": reach_frames,
        "edges": edges,
    }


def reach_of(arguments: Any) -> Any:
    """`tau` of the command line that trained a head to align, None if it is not recorded.

    `arguments` are an argparse.Namespace, and so a stub.
    """
    options = arguments.state if isinstance(arguments, Stub) else None
    return options.get("tau") if isinstance(options, dict) else None


def convert(state: Mapping[str, Tensor]) -> Converted:
    """The parameters and options of `heads.fusion_mlp.Head`; sizes come from the shapes.

    ValueError lists tensors that are missing, unknown, or of an inconsistent shape.
    """
    _, projection, widths = _check(state)
    # One matrix for both streams, the columns of the video first; its bias is added once.
    first = values(state, "mlp.0.weight").T
    tail = {f"norm{i}": norm(state, name) for i, name in enumerate(NORMS)}
    tail |= {f"dense{i}": linear(state, name) for i, name in enumerate(LINEAR[1:-1])}
    tail["logit"] = linear(state, LINEAR[-1])
    params = {
        **{name: linear(state, name) for name in PROJECTIONS},
        "visual_first": {"kernel": np.ascontiguousarray(first[:projection])},
        "audio_first": {
            "kernel": np.ascontiguousarray(first[projection:]),
            "bias": values(state, "mlp.0.bias"),
        },
        "tail": tail,
    }
    return Converted(params, {"projection": projection, "widths": widths})


def _check(state: Mapping[str, Tensor]) -> Sizes:
    layers = (*PROJECTIONS, *LINEAR, *NORMS)
    known = [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    _refuse("it lacks", [name for name in known if name not in state])
    _refuse("it has unknown tensors:", [name for name in state if name not in known])
    matrices = [f"{layer}.weight" for layer in (*PROJECTIONS, *LINEAR)]
    _refuse("not a matrix:", [name for name in matrices if len(state[name].shape) != 2])
    projection, features = state["visual_proj.weight"].shape
    widths = tuple(state[f"{layer}.weight"].shape[0] for layer in LINEAR[:-1])
    sizes = Sizes(features, projection, widths)
    wrong = [
        f"{name} is {list(state[name].shape)}, expected {list(shape)}"
        for name, shape in _shapes(sizes).items()
        if state[name].shape != shape
    ]
    _refuse(f"for {sizes}, shapes are wrong:", wrong)
    return sizes


def _shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    before, after = (2 * sizes.projection, *sizes.widths), (*sizes.widths, 1)
    weights = dict.fromkeys(PROJECTIONS, (sizes.projection, sizes.features))
    weights |= dict(zip(LINEAR, zip(after, before, strict=True), strict=True))
    vectors = {f"{name}.bias": (shape[0],) for name, shape in weights.items()}
    for name, width in zip(NORMS, sizes.widths, strict=True):
        vectors |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return {f"{name}.weight": shape for name, shape in weights.items()} | vectors


def _refuse(problem: str, names: list[str]) -> None:
    if names:
        raise ValueError(f"{problem} {', '.join(names)}")
