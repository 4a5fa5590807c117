"""Published AV-HuBERT weights (Shi et al., ICLR 2022) to the parameters of `encoders.avhubert`.

The weights may be used for non-commercial research only; avsync ships none.

Batch norms are folded into the preceding convolutions and the weight norm into its kernel: the
result is the same with fewer operations.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from avsync.convert import torch_file
from avsync.convert._avhubert_keys import (
    NUM_BLOCKS,
    POSITION_GROUPS,
    RESNET,
    STAGE_WIDTHS,
    Sizes,
    check,
    strip,
)
from avsync.convert._unpickler import Stub, brief
from avsync.convert.base import Checkpoint, Converted, Tensor, folded, linear, norm, values

# Options that all published models share, and the only ones that the encoder supports. An option
# that a config lacks is assumed to have this value.
COMMON = {
    "modality_fuse": "concat",
    "sub_encoder_layers": 0,
    "layer_norm_first": True,
    "activation_fn": "gelu",
    "resnet_relu_type": "prelu",
    "conv_pos": 128,
    "conv_pos_groups": POSITION_GROUPS,
}

HEAD_CHANNELS = 64


def convert_file(contents: Mapping[str, Any]) -> Checkpoint:
    """The encoder of a pre-trained or fine-tuned file; the config uses it for both streams.

    The parameters are those of the encoder alone, without a head.
    """
    state = torch_file.state_dict(contents, entry="model")
    params, options = convert(state, contents.get("cfg"))
    visual = {"name": "avhubert", "modality": "both", **options}
    return Checkpoint(params, {"model": {"visual": visual, "audio": {"name": "shared"}}})


def convert(state: Mapping[str, Tensor], cfg: Any = None) -> Converted:
    """The encoder in `state`, the entry "model" of a pre-trained or fine-tuned file.

    The parameters are those of `encoders.avhubert.Encoder` for both modalities. Sizes come from
    the shapes; only the number of heads comes from `cfg`, the entry "cfg" of the file (without it,
    heads have 64 channels). Tensors are read one at a time: the peak memory is the parameters and
    a few times the largest tensor.

    ValueError if a tensor is missing, unknown or of another shape, or if `cfg` describes a network
    that differs from the published ones.
    """
    state = strip(state)
    sizes = check(state)
    published = _encoder_config(cfg)
    for name, value in COMMON.items():
        if published.get(name, value) != value:
            raise ValueError(
                f"its config has {name} = {brief(published[name])}; only {value!r}, which "
                "all published AV-HuBERT models have, can be converted"
            )
    num_heads = published.get("encoder_attention_heads", sizes.embedding // HEAD_CHANNELS)
    if type(num_heads) is not int or num_heads < 1 or sizes.embedding % num_heads:
        raise ValueError(
            f"its config has encoder_attention_heads = {brief(num_heads)}, which does not divide "
            f"the {sizes.embedding} channels of its tensors"
        )
    params = {
        "audio_projection": linear(state, "feature_extractor_audio.proj"),
        "resnet": {"pictures": _image_network(state)},
        "video_projection": linear(state, "feature_extractor_video.proj"),
        "fusion_norm": norm(state, "layer_norm"),
        "fusion_projection": linear(state, "post_extract_proj"),
        "transformer": {
            "positions": _positions(state),
            "blocks": _blocks(state, sizes),
            "final_norm": norm(state, "encoder.layer_norm"),
        },
    }
    return Converted(params, {**sizes._asdict(), "num_heads": num_heads})


def _encoder_config(cfg: Any) -> Mapping[str, Any]:
    """The options of the encoder; a fine-tuned file nests the config of its pre-training."""
    model = _fields(_fields(cfg).get("model"))
    if "w2v_args" in model:
        return _fields(_fields(model["w2v_args"]).get("model"))
    return model


def _fields(node: Any) -> Mapping[str, Any]:
    """The entries of a dictionary, or of the argparse.Namespace that older files have instead."""
    node = node.state if isinstance(node, Stub) else node
    return node if isinstance(node, Mapping) else {}


def _image_network(state: Mapping[str, Tensor]) -> dict[str, Any]:
    stem = folded(state, f"{RESNET}.frontend3D.0", f"{RESNET}.frontend3D.1")
    # [5 h w 1 c] to [h w 5 c]: its five frames are the channels of a 2-D convolution.
    stem["kernel"] = np.ascontiguousarray(np.moveaxis(stem["kernel"][..., 0, :], 0, 2))
    params: dict[str, Any] = {"stem": stem, "stem_prelu": _slopes(state, f"{RESNET}.frontend3D.2")}
    for stage in range(1, len(STAGE_WIDTHS) + 1):
        for i in range(NUM_BLOCKS):
            source = f"{RESNET}.trunk.layer{stage}.{i}"
            block = params[f"stage{stage}_block{i + 1}"] = {
                "conv1": folded(state, f"{source}.conv1", f"{source}.bn1"),
                "prelu1": _slopes(state, f"{source}.relu1"),
                "conv2": folded(state, f"{source}.conv2", f"{source}.bn2"),
                "prelu2": _slopes(state, f"{source}.relu2"),
            }
            if f"{source}.downsample.0.weight" in state:
                block["shortcut"] = folded(
                    state, f"{source}.downsample.0", f"{source}.downsample.1"
                )
    return params


def _blocks(state: Mapping[str, Tensor], sizes: Sizes) -> dict[str, Any]:
    """The parameters of all layers, stacked along a leading axis."""
    dim, wide, num_layers = sizes
    norms = {"attention_norm": "self_attn_layer_norm", "feed_forward_norm": "final_layer_norm"}
    linears = {
        "query": ("self_attn.q_proj", dim, dim),
        "key": ("self_attn.k_proj", dim, dim),
        "value": ("self_attn.v_proj", dim, dim),
        "output": ("self_attn.out_proj", dim, dim),
        "expand": ("fc1", dim, wide),
        "contract": ("fc2", wide, dim),
    }
    blocks: dict[str, Any] = {}
    for name, source in norms.items():
        layers = [norm(state, f"encoder.layers.{i}.{source}") for i in range(num_layers)]
        blocks[name] = {leaf: np.stack([layer[leaf] for layer in layers]) for leaf in layers[0]}
    for name, (source, before, after) in linears.items():
        # Filled in place: a list of layers and its stack would both be in memory.
        kernel = np.empty((num_layers, before, after), np.float32)
        bias = np.empty((num_layers, after), np.float32)
        for i in range(num_layers):
            kernel[i] = state[f"encoder.layers.{i}.{source}.weight"].numpy().T
            bias[i] = state[f"encoder.layers.{i}.{source}.bias"].numpy()
        blocks[name] = {"kernel": kernel, "bias": bias}
    return blocks


def _positions(state: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    direction = values(state, "encoder.pos_conv.0.weight_v")
    # There is one norm for each of the 128 taps, not for each output channel.
    norm = np.sqrt(np.square(direction, dtype=np.float64).sum(axis=(0, 1), keepdims=True))
    weight = direction * (values(state, "encoder.pos_conv.0.weight_g") / norm).astype(np.float32)
    return {
        "kernel": np.ascontiguousarray(weight.transpose(2, 1, 0)),
        "bias": values(state, "encoder.pos_conv.0.bias"),
    }


def _slopes(state: Mapping[str, Tensor], name: str) -> dict[str, np.ndarray]:
    return {"slope": values(state, f"{name}.weight")}
