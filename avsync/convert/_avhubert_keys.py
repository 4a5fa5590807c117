"""Names and shapes of the tensors in published AV-HuBERT files, required and optional."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# Prefix of the encoder's names in files that are fine-tuned for lip reading.
FINE_TUNED = "encoder.w2v_model."

RESNET = "feature_extractor_video.resnet"
STAGE_WIDTHS = (64, 128, 256, 512)
NUM_BLOCKS = 2
POSITION_GROUPS = 16  # of the convolution that encodes positions

# Used in training only: counters, masked frame, clusters and their projection, text decoder.
UNUSED = re.compile(
    r".*\.num_batches_tracked|mask_emb|label_embs_concat|final_proj\.(weight|bias)|decoder\..*"
)

# PyTorch 2 has other names for the two parts of a normalised weight.
NEW_NAMES = {
    "encoder.pos_conv.0.parametrizations.weight.original0": "encoder.pos_conv.0.weight_g",
    "encoder.pos_conv.0.parametrizations.weight.original1": "encoder.pos_conv.0.weight_v",
}

Shapes = dict[str, tuple[int, ...]]


class Sizes(NamedTuple):
    """Sizes that the shapes of the tensors determine; they do not determine the number of heads."""

    embedding: int
    feed_forward: int
    num_layers: int


def strip(state: Mapping[str, Any]) -> dict[str, Any]:
    """`state` with the encoder's tensors under their pre-training names; others are unchanged."""
    is_fine_tuned = any(name.startswith(FINE_TUNED) for name in state)
    # Only at the start: the encoder contains another "encoder.".
    names = {name: name.removeprefix(FINE_TUNED) if is_fine_tuned else name for name in state}
    return {NEW_NAMES.get(new, new): state[old] for old, new in names.items()}


def check(state: Mapping[str, Any]) -> Sizes:
    """The sizes of the encoder in `state`, as returned by `strip`.

    ValueError lists tensors that are missing, unknown, or of another shape.
    """
    sizes = _sizes(state)
    expected = _shapes(sizes)
    _refuse("it lacks", (name for name in expected if name not in state))
    _refuse(
        "it has unknown tensors",
        (name for name in state if name not in expected and not UNUSED.fullmatch(name)),
    )
    _refuse(
        f"for {sizes.num_layers} layers of {sizes.embedding} channels, shapes are wrong",
        (
            f"{name} is {list(state[name].shape)}, expected {list(shape)}"
            for name, shape in expected.items()
            if tuple(state[name].shape) != shape
        ),
    )
    return sizes


def _refuse(problem: str, names: Iterable[str]) -> None:
    names = list(names)
    if names:
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        raise ValueError(
            f"this is not a published AV-HuBERT file: {problem}: {'; '.join(names[:10])}{more}"
        )


def _sizes(state: Mapping[str, Any]) -> Sizes:
    layers = {name.split(".")[2] for name in state if name.startswith("encoder.layers.")}
    sources = ("feature_extractor_audio.proj.bias", "encoder.layers.0.fc1.bias")
    _refuse("it lacks", (name for name in sources if name not in state))
    _refuse("no vectors", (name for name in sources if len(state[name].shape) != 1))
    embedding, feed_forward = (state[name].shape[0] for name in sources)
    if not embedding or embedding % POSITION_GROUPS:
        _refuse(f"not a multiple of {POSITION_GROUPS} channels", [f"{sources[0]} has {embedding}"])
    return Sizes(embedding, feed_forward, len(layers))


def _shapes(sizes: Sizes) -> Shapes:
    dim, wide = sizes.embedding, sizes.feed_forward
    shapes = {
        **_linear("feature_extractor_audio.proj", 104, dim),
        f"{RESNET}.frontend3D.0.weight": (64, 1, 5, 7, 7),
        **_batch_norm(f"{RESNET}.frontend3D.1", 64),
        f"{RESNET}.frontend3D.2.weight": (64,),
        **_linear("feature_extractor_video.proj", 512, dim),
        **_norm("layer_norm", 2 * dim),
        **_linear("post_extract_proj", 2 * dim, dim),
        "encoder.pos_conv.0.weight_g": (1, 1, 128),
        "encoder.pos_conv.0.weight_v": (dim, dim // POSITION_GROUPS, 128),
        "encoder.pos_conv.0.bias": (dim,),
        **_norm("encoder.layer_norm", dim),
    }
    width = 64
    for stage, wider in enumerate(STAGE_WIDTHS, start=1):
        for i in range(NUM_BLOCKS):
            shapes |= _residual_block(f"{RESNET}.trunk.layer{stage}.{i}", width, wider)
            width = wider
    for i in range(sizes.num_layers):
        layer = f"encoder.layers.{i}"
        for part in ("q", "k", "v", "out"):
            shapes |= _linear(f"{layer}.self_attn.{part}_proj", dim, dim)
        shapes |= _norm(f"{layer}.self_attn_layer_norm", dim)
        shapes |= _linear(f"{layer}.fc1", dim, wide) | _linear(f"{layer}.fc2", wide, dim)
        shapes |= _norm(f"{layer}.final_layer_norm", dim)
    return shapes


def _residual_block(name: str, before: int, after: int) -> Shapes:
    shapes: Shapes = {
        f"{name}.conv1.weight": (after, before, 3, 3),
        **_batch_norm(f"{name}.bn1", after),
        f"{name}.relu1.weight": (after,),
        f"{name}.conv2.weight": (after, after, 3, 3),
        **_batch_norm(f"{name}.bn2", after),
        f"{name}.relu2.weight": (after,),
    }
    if before != after:
        shapes[f"{name}.downsample.0.weight"] = (after, before, 1, 1)
        shapes |= _batch_norm(f"{name}.downsample.1", after)
    return shapes


def _linear(name: str, before: int, after: int) -> Shapes:
    return {f"{name}.weight": (after, before), f"{name}.bias": (after,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _batch_norm(name: str, width: int) -> Shapes:
    return {**_norm(name, width), f"{name}.running_mean": (width,), f"{name}.running_var": (width,)}
