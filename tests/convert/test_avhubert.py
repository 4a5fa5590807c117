"""Published AV-HuBERT files to parameters: every key is accounted for."""

import functools
import json
import re
import tracemalloc

import jax
import numpy as np
import pytest

from avsync import build
from avsync.config import default, with_changes
from avsync.convert import torch_file
from avsync.convert._avhubert_keys import UNUSED, check, strip
from avsync.convert._unpickler import Stub
from avsync.convert.avhubert import convert, convert_file
from avsync.models.encoders.avhubert import Encoder

LAYOUTS = [f"{size}_{kind}" for size in ("base", "large") for kind in ("finetuned", "pretrained")]


class Fake:
    """A tensor of ones, created when it is read."""

    def __init__(self, *shape: int):
        self.shape = shape

    def numpy(self) -> np.ndarray:
        return np.ones(self.shape, np.float32)


@pytest.fixture(scope="module")
def checkpoint(testdata):
    """The state dict and the config of a small fine-tuned file."""
    contents = torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")
    return torch_file.state_dict(contents, entry="model"), contents["cfg"]


@pytest.fixture(scope="module")
def pretrained(checkpoint):
    """The same encoder under the names of a pre-trained file."""
    state, _ = checkpoint
    prefix = "encoder.w2v_model."
    return {name.removeprefix(prefix): x for name, x in state.items() if name.startswith(prefix)}


@pytest.fixture(scope="module")
def listing(testdata):
    """`listing("base_pretrained")`: tensors with the names and shapes of a published layout."""

    def read(layout: str, num_layers: int | None = None, shrink: dict[int, int] | None = None):
        text = (testdata.parent / "facts" / f"keys_{layout}.txt").read_text()
        rows = (line.split("\t") for line in text.splitlines())
        state = {}
        for name, shape, _ in rows:
            layer = re.match(r"encoder\.layers\.(\d+)\.", name)
            if num_layers is None or not layer or int(layer[1]) < num_layers:
                state[name] = Fake(*((shrink or {}).get(size, size) for size in json.loads(shape)))
        return state

    return read


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_key_of_the_published_files_is_known(listing, layout):
    sizes = (1024, 4096, 24) if "large" in layout else (768, 3072, 12)
    assert check(strip(listing(layout))) == sizes


@pytest.mark.parametrize("layout", LAYOUTS[:2])
def test_only_unused_keys_may_be_missing(listing, layout):
    state = strip(listing(layout))
    num_unused = 0
    for name in state:
        rest = {other: x for other, x in state.items() if other != name}
        if UNUSED.fullmatch(name):
            num_unused += 1
            check(rest)
        else:
            with pytest.raises(ValueError, match=re.escape(name)):
                check(rest)
    # Counters of 20 batch norms, the mask, the clusters, and a decoder or projection.
    num_decoder = sum(name.startswith("decoder.") for name in state)
    assert num_unused == 20 + 2 + (num_decoder or 2)


def test_an_unknown_key_and_a_wrong_shape_are_refused(pretrained):
    with pytest.raises(ValueError, match=r"unknown tensors: encoder\.layers\.0\.gate"):
        convert({**pretrained, "encoder.layers.0.gate": Fake(128)})
    name = "feature_extractor_video.proj.weight"
    with pytest.raises(
        ValueError, match=rf"{re.escape(name)} is \[512, 128\], expected \[128, 512\]"
    ):
        convert({**pretrained, name: Fake(512, 128)})
    with pytest.raises(ValueError, match="lacks: feature_extractor_audio"):
        convert({})


def test_parameters_have_the_names_and_shapes_of_the_encoder(checkpoint):
    params, options = convert(*checkpoint)
    assert options == {"embedding": 128, "feed_forward": 256, "num_layers": 2, "num_heads": 2}
    wanted = jax.eval_shape(
        functools.partial(Encoder(**options).init, method="fuse"),
        jax.random.key(0),
        jax.ShapeDtypeStruct((1, 2, 88, 88, 1), np.uint8),
        jax.ShapeDtypeStruct((1, 2, 104), np.float32),
        jax.ShapeDtypeStruct((1, 2), bool),
    )["params"]
    assert jax.tree.map(lambda x: (x.shape, x.dtype), params) == jax.tree.map(
        lambda x: (x.shape, x.dtype), wanted
    )


def test_the_config_of_a_converted_file_makes_one_encoder_for_both_streams(testdata):
    changes = convert_file(torch_file.read(testdata / "avhubert_tiny" / "ckpt.pt")).config
    model = build.make_model(with_changes(default(), changes))
    assert isinstance(model.encoder, Encoder)
    assert (model.encoder.modality, model.encoder.embedding) == ("both", 128)
    assert model.visual_encoder is model.audio_encoder is None


def test_both_layouts_and_both_names_of_a_normalised_weight_give_the_same_parameters(
    checkpoint, pretrained
):
    state, cfg = checkpoint
    fine_tuned, options = convert(state, cfg)
    renamed = dict(pretrained)
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        tensor = renamed.pop(f"encoder.pos_conv.0.{old}")
        renamed[f"encoder.pos_conv.0.parametrizations.weight.{new}"] = tensor
    # A pre-trained file has the encoder's config where a fine-tuned file has its own.
    inner = cfg["model"]["w2v_args"]
    for other in (convert(pretrained, inner), convert(renamed, inner)):
        assert other.options == options
        jax.tree.map(np.testing.assert_array_equal, other.params, fine_tuned)


def test_the_number_of_heads_comes_from_the_config_or_from_64_channels(pretrained):
    namespace = Stub()
    namespace.state = {"encoder_attention_heads": 4}
    assert convert(pretrained, {"model": namespace}).options["num_heads"] == 4
    assert convert(pretrained).options["num_heads"] == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("modality_fuse", "add"), ("layer_norm_first", False), ("encoder_attention_heads", 3)],
)
def test_a_network_of_another_design_is_refused(pretrained, field, value):
    with pytest.raises(ValueError, match=f"config has {field} = {value!r}"):
        convert(pretrained, {"model": {field: value}})


def test_converting_takes_no_more_than_twice_the_memory_of_the_parameters(listing):
    shrink = {768: 256, 3072: 1024, 1536: 512, 48: 16}
    state = listing("base_pretrained", num_layers=4, shrink=shrink)
    tracemalloc.start()
    params, _ = convert(state)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 2 * sum(x.nbytes for x in jax.tree.leaves(params))
