"""The converted head against the paper's own code with the same weights."""

import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import scoring
from avsync.convert import avh_align, torch_file
from avsync.models.aligner import Aligner
from avsync.models.encoders import precomputed
from avsync.models.heads import fusion_mlp
from avsync.train.losses.alignment import alignment_nll
from tests.convert import torch_zip
from tests.convert.torch_zip import dict_of, name, plain, set_state, storage, tensor

SMALL = {"visual_proj.weight": (3, 5), "audio_proj.weight": (3, 5), "mlp.0.weight": (8, 6)}
SMALL |= {"mlp.3.weight": (4, 8), "mlp.6.weight": (2, 4), "mlp.9.weight": (1, 2)}
SMALL |= {"visual_proj.bias": (3,), "audio_proj.bias": (3,), "mlp.0.bias": (8,)}
SMALL |= {"mlp.3.bias": (4,), "mlp.6.bias": (2,), "mlp.9.bias": (1,)}
SMALL |= {
    f"mlp.{i}.{part}": (n,) for i, n in ((1, 8), (4, 4), (7, 2)) for part in ("weight", "bias")
}


class Reference(NamedTuple):
    """Six clips, padded to the longest, and the results of the paper's code."""

    logits: jax.Array
    valid: jax.Array
    expected_logits: list[np.ndarray]
    expected: dict


@pytest.fixture(scope="module")
def reference(testdata: Path) -> Reference:
    folder = testdata / "avh_align_head"
    checkpoint = avh_align.convert_file(torch_file.read(folder / "head.pt"))
    options = checkpoint.config["model"]["head"]
    model = Aligner(
        visual_encoder=precomputed.Encoder(),
        audio_encoder=precomputed.Encoder(),
        head=fusion_mlp.Head(projection=options["projection"], widths=options["widths"]),
        reach_frames=checkpoint.config["model"]["reach_frames"],
        edges=checkpoint.config["model"]["edges"],
    )
    expected = json.loads((folder / "expected.json").read_text())
    lengths = expected["lengths"]
    valid = np.arange(max(lengths)) < np.array(lengths)[:, None]
    features = np.load(folder / "features.npz")
    visual, audio = (
        np.stack(
            [
                np.pad(features[f"{stream}_{i}"], ((0, max(lengths) - length), (0, 0)))
                for i, length in enumerate(lengths)
            ]
        ).astype(np.float32)
        for stream in ("visual", "audio")
    )
    logits = jax.jit(model.apply)({"params": checkpoint.params}, visual, audio, valid)
    offset_logits = np.load(folder / "offset_logits.npz")
    return Reference(
        logits=logits,
        valid=jnp.asarray(valid),
        expected_logits=[offset_logits[f"offset_logits_{i}"] for i in range(len(lengths))],
        expected=expected,
    )


def test_the_31_logits_of_every_frame_equal_the_papers(reference):
    for logits, expected in zip(reference.logits, reference.expected_logits, strict=True):
        np.testing.assert_allclose(logits[: len(expected)], expected, rtol=0, atol=1e-4)


def test_the_in_sync_logit_of_every_frame_equals_the_papers(reference):
    for logits, expected in zip(reference.logits, reference.expected["frame_logits"], strict=True):
        np.testing.assert_allclose(logits[: len(expected), 15], expected, rtol=0, atol=1e-4)


def test_the_score_of_every_clip_equals_the_papers(reference):
    frames = scoring.frame_scores(reference.logits, name="logit")
    scores = scoring.clip_score(frames, reference.valid, pooling="logsumexp")
    expected = reference.expected["scores_logsumexp"]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4)


def test_the_loss_of_every_clip_equals_the_papers(reference):
    nll = alignment_nll(reference.logits, reference.valid)
    np.testing.assert_allclose(nll, reference.expected["clip_nll"], rtol=1e-4)


def read(tmp_path: Path, shapes: dict[str, tuple[int, ...]], **entries: bytes):
    """The contents of a file whose state dict has tensors of these shapes, all ones."""
    num_values = max(int(np.prod(shape)) for shape in shapes.values())
    tensors = {
        key: tensor(storage("0", num_values), shape, (*shape[1:], 1))
        for key, shape in shapes.items()
    }
    pickled = dict_of({"state_dict": dict_of(tensors), **entries})
    ones = np.ones(num_values, np.float32).tobytes()
    return torch_file.read(torch_zip.write(tmp_path / "head.pt", pickled, {"0": ones}))


def test_parameters_have_the_names_and_shapes_of_the_head(tmp_path):
    contents = read(tmp_path, SMALL)
    params, options = avh_align.convert(contents["state_dict"])
    assert options == {"projection": 3, "widths": (8, 4, 2)}
    head = fusion_mlp.Head(**options)
    visual, audio = jnp.zeros((2, 1, 2, 5))
    fresh = jax.eval_shape(
        lambda: head.init(jax.random.key(0), visual, audio, reach_frames=1)["params"]
    )
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, fresh)
    assert {array.dtype for array in jax.tree.leaves(params)} == {np.dtype(np.float32)}


def test_the_reach_is_the_one_that_the_head_was_trained_with(tmp_path):
    arguments = set_state(name("argparse Namespace") + b")\x81", plain({"tau": 10}))
    contents = read(tmp_path, SMALL, args=arguments)
    assert avh_align.convert_file(contents).config["model"]["reach_frames"] == 10
    assert avh_align.convert_file(read(tmp_path, SMALL)).config["model"]["reach_frames"] == 15


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mlp.4.bias": None, "mlp.9.bias": None}, "lacks mlp.9.bias, mlp.4.bias"),
        ({"mlp.10.weight": (2, 2)}, "unknown tensors: mlp.10.weight"),
        ({"mlp.3.weight": (32,)}, "not a matrix: mlp.3.weight"),
        ({"mlp.4.bias": (3,)}, r"widths=\(8, 4, 2\)\), .* mlp.4.bias is \[3\], expected \[4\]"),
        ({"audio_proj.weight": (3, 4)}, r"audio_proj.weight is \[3, 4\], expected \[3, 5\]"),
        ({"mlp.9.weight": (2, 2)}, r"mlp.9.weight is \[2, 2\], expected \[1, 2\]"),
    ],
)
def test_a_missing_unknown_or_misshapen_tensor_is_named(tmp_path, changes, message):
    shapes = {key: shape for key, shape in {**SMALL, **changes}.items() if shape is not None}
    with pytest.raises(ValueError, match=message):
        avh_align.convert_file(read(tmp_path, shapes))


def test_a_reach_that_is_not_a_number_of_frames_is_refused(tmp_path):
    arguments = set_state(name("argparse Namespace") + b")\x81", plain({"tau": "long"}))
    with pytest.raises(ValueError, match="tau = 'long'"):
        avh_align.convert_file(read(tmp_path, SMALL, args=arguments))
