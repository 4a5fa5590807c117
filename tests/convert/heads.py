"""Random heads in the layout of the published files, and what they compute."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from tests.convert import torch_zip
from tests.convert.torch_zip import dict_of

NORM_EPSILON = 1e-5  # PyTorch's default


def random_state(
    *, features: int, projection: int, widths: tuple[int, int, int]
) -> dict[str, np.ndarray]:
    """A state dict of random weights under PyTorch's names; linear weights are [out in]."""
    random = np.random.default_rng(0)
    sizes = (2 * projection, *widths, 1)
    linear = {"visual_proj": (projection, features), "audio_proj": (projection, features)}
    linear |= {f"mlp.{3 * i}": (sizes[i + 1], sizes[i]) for i in range(4)}
    state = {}
    for layer, (after, before) in linear.items():
        state[f"{layer}.weight"] = random.normal(0, before**-0.5, (after, before))
        state[f"{layer}.bias"] = random.normal(0, 0.3, after)
    for i, width in enumerate(widths):
        state[f"mlp.{3 * i + 1}.weight"] = random.uniform(0.5, 1.5, width)
        state[f"mlp.{3 * i + 1}.bias"] = random.normal(0, 0.3, width)
    return {name: x.astype(np.float32) for name, x in state.items()}


def write(path: Path, state: Mapping[str, np.ndarray], **entries: bytes) -> Path:
    """A file of `state` as `state_dict`, and of further `entries`, opcodes by name."""
    tensors, data = torch_zip.arrays(state)
    return torch_zip.write(path, dict_of({"state_dict": tensors, **entries}), data)


def in_sync_logits(
    state: Mapping[str, np.ndarray],
    visual: Float[np.ndarray, "t d"],
    audio: Float[np.ndarray, "t d"],
) -> Float[np.ndarray, " t"]:
    """The logit of each frame with its own sound, layer by layer in float64 as PyTorch does it."""

    def linear(x: np.ndarray, layer: str) -> np.ndarray:
        return x @ state[f"{layer}.weight"].astype(np.float64).T + state[f"{layer}.bias"]

    units = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (visual, audio)]
    x = np.concatenate([linear(units[0], "visual_proj"), linear(units[1], "audio_proj")], axis=-1)
    for i in range(3):
        x = linear(x, f"mlp.{3 * i}")
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + NORM_EPSILON)
        norm = f"mlp.{3 * i + 1}"
        x = np.maximum(x * state[f"{norm}.weight"] + state[f"{norm}.bias"], 0)
    return linear(x, "mlp.9")[:, 0]
