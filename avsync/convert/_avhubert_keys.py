"""Which tensors a published AV-HuBERT file must hold, in which shapes, and which it may."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# What comes before the names of the encoder in files fine-tuned for lip reading.
FINE_TUNED = "encoder.w2v_model."

RESNET = "feature_extractor_video.resnet"
STAGE_WIDTHS = (64, 128, 256, 512)
NUM_BLOCKS = 2

# Training's: a counter, the masked frame, cluster names and their projection, the text decoder.
UNUSED = re.compile(
    r".*\.num_batches_tracked|mask_emb|label_embs_concat|final_proj\.(weight|bias)|decoder\..*"
)

# PyTorch 2 keeps the two parts of a normalised weight under other names.
NEW_NAMES = {
    "encoder.pos_conv.0.parametrizations.weight.original0": "encoder.pos_conv.0.weight_g",
    "encoder.pos_conv.0.parametrizations.weight.original1": "encoder.pos_conv.0.weight_v",
}

Shapes = dict[str, tuple[int, ...]]


class Sizes(NamedTuple):
    """What the shapes of the tensors tell; the number of heads is not among it."""

    embedding: int
    feed_forward: int
    num_layers: int


def strip(state: Mapping[str, Any]) -> dict[str, Any]:
    """The encoder's tensors by their pre-training names, with what else the file holds."""
    is_fine_tuned = any(name.startswith(FINE_TUNED) for name in state)
    # Once and at the start: within the encoder is another "encoder.".
    names = {name: name.removeprefix(FINE_TUNED) if is_fine_tuned else name for name in state}
    return {NEW_NAMES.get(new, new): state[old] for old, new in names.items()}


def check(state: Mapping[str, Any]) -> Sizes:
    """The sizes of the encoder whose stripped tensors these are.

    ValueError lists what is missing, of another shape, or not known.
    """
    sizes = _sizes(state)
    wanted = _shapes(sizes)
    _refuse("it lacks", (name for name in wanted if name not in state))
    _refuse(
        "it holds tensors that no AV-HuBERT encoder has",
        (name for name in state if name not in wanted and not UNUSED.fullmatch(name)),
    )
    _refuse(
        f"for {sizes.num_layers} layers of {sizes.embedding} channels, shapes must be others",
        (
            f"{name} {list(shape)}, not {list(state[name].shape)}"
            for name, shape in wanted.items()
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
    embedding, feed_forward = (state[name].shape[0] for name in sources)
    return Sizes(embedding, feed_forward, len(layers))


def _shapes(sizes: Sizes) -> Shapes:
    dim, wide = sizes.embedding, sizes.feed_forward
    wanted = {
        **_linear("feature_extractor_audio.proj", 104, dim),
        f"{RESNET}.frontend3D.0.weight": (64, 1, 5, 7, 7),
        **_batch_norm(f"{RESNET}.frontend3D.1", 64),
        f"{RESNET}.frontend3D.2.weight": (64,),
        **_linear("feature_extractor_video.proj", 512, dim),
        **_norm("layer_norm", 2 * dim),
        **_linear("post_extract_proj", 2 * dim, dim),
        "encoder.pos_conv.0.weight_g": (1, 1, 128),
        "encoder.pos_conv.0.weight_v": (dim, dim // 16, 128),
        "encoder.pos_conv.0.bias": (dim,),
        **_norm("encoder.layer_norm", dim),
    }
    width = 64
    for stage, wider in enumerate(STAGE_WIDTHS, start=1):
        for i in range(NUM_BLOCKS):
            wanted |= _picture_block(f"{RESNET}.trunk.layer{stage}.{i}", width, wider)
            width = wider
    for i in range(sizes.num_layers):
        layer = f"encoder.layers.{i}"
        for part in ("q", "k", "v", "out"):
            wanted |= _linear(f"{layer}.self_attn.{part}_proj", dim, dim)
        wanted |= _norm(f"{layer}.self_attn_layer_norm", dim)
        wanted |= _linear(f"{layer}.fc1", dim, wide) | _linear(f"{layer}.fc2", wide, dim)
        wanted |= _norm(f"{layer}.final_layer_norm", dim)
    return wanted


def _picture_block(name: str, before: int, after: int) -> Shapes:
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
