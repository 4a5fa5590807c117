"""The head of AVH-Align/sup (Smeu et al., CVPR 2025), the paper's supervised baseline.

It has the tensors of the alignment head (`avh_align`), but was trained on labels: a high logit
means "fake". The logit of a clip is the logsumexp over its frames of the logit of each frame with
its own sound, without any other candidate; the checkpoint scores features in that way. Its A/V
offset means nothing.

The paper's training code for it uses PyTorch Lightning, whose checkpoints hold the tensors as
`state_dict` and the config of the training as `hyper_parameters`; an alignment head has `args`
instead. So the file tells which of the two it is, and each converter refuses the other's files.

AVPF (arXiv 2604.09110) trains the same network with the same code on self-made pseudo-fakes, and
adds one field to the config, `agg`, the pooling. Its published file was not at hand: a checkpoint
of that code is assumed to be what is published.

The published weights are licensed CC BY-NC-SA 4.0; avsync ships none.
"""

from collections.abc import Mapping
from typing import Any

from avsync import lookup
from avsync.convert import avh_align, torch_file
from avsync.convert._unpickler import brief
from avsync.convert.base import Checkpoint

# The options of the published training code that can be converted.
COMMON = {"model_type": "mlp", "input_type": "both", "apply_l2": True}

# The pooling of the config to that of avsync; "max" has no counterpart.
POOLINGS = {"logsumexp": "logsumexp", "avg": "mean"}


def convert_file(contents: Mapping[str, Any]) -> Checkpoint:
    """A model that scores features as the paper's supervised code does, from its checkpoint.

    A file without `hyper_parameters` is taken for the default network: unit-length features of
    both streams, logsumexp. ValueError if it holds another network, or an alignment head.
    """
    if avh_align.reach_of(contents.get("args")) is not None:
        raise ValueError(
            "its args have tau, the reach of a head trained to align: a high logit means in sync. "
            "Convert it with `avsync-convert avh_align`"
        )
    published = _options(contents.get(avh_align.HYPER_PARAMETERS))
    for name, value in COMMON.items():
        if published.get(name, value) != value:
            raise ValueError(
                f"its config has {name} = {brief(published[name])}; only {value!r} can be converted"
            )
    agg = published.get("agg", "logsumexp")
    if not isinstance(agg, str):
        raise ValueError(f"its config has agg = {brief(agg)}, which must be the name of a pooling")
    lookup.require("agg in its config", agg, sorted(POOLINGS))
    converted = avh_align.convert(torch_file.state_dict(contents, entry="state_dict"))
    # Frames are scored alone: the reach and the edges serve only to keep the layout of the scores.
    model = avh_align.model_section(converted, reach_frames=avh_align.REACH_FRAMES, edges="masked")
    score = {"frame": "fake_logit", "pooling": POOLINGS[agg]}
    return Checkpoint({"head": converted.params}, {"model": model, "score": score})


def _options(hyper_parameters: Any) -> dict[str, Any]:
    """The fields of the training's config that tell what the network is and what it reads."""
    config = _fields(_fields(hyper_parameters).get("config"))
    model, data = (_fields(config.get(name)) for name in ("model_hparams", "data_info"))
    # The code scales features to length 1 only where its config says so.
    scaling = {"apply_l2": bool(data.get("apply_l2", False))} if data else {}
    return {**model, **scaling}


def _fields(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}
