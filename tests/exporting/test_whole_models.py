"""A head of features, exported with its encoder: crops and sound in, parameters once."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import export

from avsync import build, build_export, checkpoint, scoring, trained, weights
from avsync.exporting import load_scorer
from avsync.trained import Trained
from avsync.types import Extraction
from tests.exporting.test_folder import OPTIONS, calibration
from tests.exporting.test_program import random_batch
from tests.small_models import random_params, small_config

CHANNELS = {"visual": 32, "audio": 32}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Checkpoints of a calibrated head and of the encoder whose features it was trained on."""
    folder = tmp_path_factory.mktemp("parts")
    config = small_config("shared avhubert")
    params = random_params(config, None)
    encoder = Trained(config, params["encoder"], folder / "encoder")
    trained.write(encoder, encoder.source)
    recorded = trained.with_origin(config, trained.origin_of(encoder), CHANNELS)
    head = Trained(recorded, {"head": params["head"]}, folder / "head")
    trained.write(head, head.source, calibration=calibration(*range(1, 20)))
    return head.source, encoder.source


@pytest.fixture(scope="module")
def exported(parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    head, encoder = parts
    folder = tmp_path_factory.mktemp("exports") / "scorer"
    options = {**OPTIONS, "encoder": encoder, "weights_dtype": "float32"}
    build_export.make_export(head, 0, **options)(folder)
    return folder


def test_the_program_takes_clips_and_gives_the_scores_of_head_and_encoder(parts, exported):
    scorer = build.load_scorer(parts[0], 0, extraction=None, encoder=parts[1])
    visual, audio, valid = random_batch("shared avhubert", 2, 10)
    found = load_scorer.load(exported)(visual, audio, valid)
    logits = jax.jit(scorer.apply)(scorer.params, visual[:, :, 4:92, 4:92], audio, valid)
    frames = scoring.frame_scores(logits, name=scorer.frame_score)
    np.testing.assert_allclose(found["frame_scores"][valid], frames[valid], rtol=1e-4, atol=1e-5)


def test_the_parameters_of_the_encoder_are_there_once(parts, exported):
    manifest = json.loads((exported / "manifest.json").read_text())
    sizes = [
        sum(np.size(leaf) for _, leaf in weights.leaves(checkpoint.load_params(part, 0)))
        for part in parts
    ]
    assert manifest["weights"]["num_parameters"] == sum(sizes)
    assert (exported / "model.safetensors").stat().st_size < 4 * sum(sizes) + 20_000
    assert manifest["features"] is None
    assert "encoder of both streams `avhubert`" in (exported / "README.md").read_text()


def test_the_folder_is_the_checkpoint_of_a_whole_model_that_reads_clips_and_features(
    parts, exported
):
    workdir, step = checkpoint.find(exported)
    whole = trained.load(workdir, step)
    assert set(whole.params) == {"encoder", "head"}
    origin = trained.origin_of(trained.load_any(parts[1], 0))
    assert trained.origin_of(whole) == origin
    build.load_scorer(workdir, step, extraction=None)
    build.load_scorer(workdir, step, extraction=Extraction("leading", str(origin), CHANNELS))
    assert checkpoint.read_calibration(workdir, step) == calibration(*range(1, 20))


def test_the_dtype_of_the_activations_can_be_chosen(parts, tmp_path):
    options = {**OPTIONS, "encoder": parts[1], "dtype": "bfloat16"}
    build_export.make_export(parts[0], 0, **options)(tmp_path / "scorer")
    assert checkpoint.read_config(tmp_path / "scorer")["model"]["dtype"] == "bfloat16"
    artefact = (tmp_path / "scorer" / "scorer.jaxexport").read_bytes()
    assert "bf16" in export.deserialize(bytearray(artefact)).mlir_module()


def test_another_encoder_is_refused(parts, tmp_path):
    loaded = trained.load_any(parts[1], 0)
    other = loaded._replace(params=jax.tree.map(lambda x: 2 * x, loaded.params))
    trained.write(other, tmp_path)
    with pytest.raises(ValueError, match="encoder with the fingerprint"):
        build_export.make_export(parts[0], 0, **{**OPTIONS, "encoder": tmp_path})
