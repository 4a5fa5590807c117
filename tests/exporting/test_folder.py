"""The files beside the program: thresholds, manifest and model card."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from avsync import build_export, checkpoint, trained
from avsync.config import default, encoder, with_changes
from avsync.exporting.folder import thresholds
from avsync.types import Extraction, FeatureOrigin
from tests.exporting.test_program import CHANNELS, scorer_and_program
from tests.small_models import random_params, small_config

OPTIONS = {"encoder": None, "dtype": None, "weights_dtype": "float16", "licence": "cc-by-4.0"}

REALS = {"dataset": "grid", "split": "val", "trim": "leading", "frame": "nll"}


def calibration(*scores: float, pooling: str = "logmeanexp"):
    return {**REALS, "pooling": pooling, "scores": list(scores)}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory):
    """A checkpoint of a head on features, with the scores of 19 calibration clips: 1, 2, …, 19."""
    workdir = tmp_path_factory.mktemp("runs") / "head"
    config = small_config("features")
    checkpoint.write_config(workdir, json.loads(config.to_json()))
    checkpoint.write_params(workdir, random_params(config, Extraction("", "", CHANNELS)))
    checkpoint.write_calibration(workdir, 0, calibration(*range(1, 20)))
    return workdir


@pytest.fixture(scope="module")
def exported(workdir, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("exports") / "scorer"
    build_export.make_export(workdir, 0, **OPTIONS)(folder)
    return folder


def test_few_calibration_clips_exceed_the_thresholds():
    scorer, _ = scorer_and_program("features")
    found = thresholds(calibration(*range(1, 20)), scorer)
    assert found is not None
    assert (found["dataset"], found["trim"], found["num_reals"]) == ("grid", "leading", 19)
    rates = found["by_false_alarm_rate"]
    # A new clip makes 20: one of them is above the largest score, two are above the second largest.
    assert (rates["0.05"]["score"], rates["0.1"]["score"]) == (19, 18)
    assert rates["0.01"]["score"] is None
    assert "it takes 99" in rates["0.01"]["note"]


def test_scores_by_other_rules_give_no_thresholds():
    scorer, _ = scorer_and_program("features")
    assert thresholds(None, scorer) is None
    assert thresholds(calibration(*range(1, 20), pooling="mean"), scorer) is None


def test_the_manifest_describes_inputs_and_outputs(exported):
    manifest = json.loads((exported / "manifest.json").read_text())
    inputs = [(x["name"], x["dtype"], x["shape"]) for x in manifest["inputs"]]
    assert inputs == [
        ("visual", "float32", ["b", "t", 24]),
        ("audio", "float32", ["b", "t", 24]),
        ("valid", "bool", ["b", "t"]),
    ]
    outputs = [(x["name"], x["dtype"], x["shape"]) for x in manifest["outputs"]]
    assert outputs == [
        ("clip_score", "float32", ["b"]),
        ("frame_scores", "float32", ["b", "t"]),
        ("offset_frames", "int32", ["b"]),
        ("offset_is_measured", "bool", ["b"]),
    ]
    assert manifest["rules"]["pooling"] == "logmeanexp"
    assert manifest["thresholds"]["by_false_alarm_rate"]["0.05"]["score"] == 19
    assert manifest["versions"]["jax"] and manifest["calling_convention_version"] > 0


def test_an_export_is_a_checkpoint_with_the_same_config_calibration_and_weights(workdir, exported):
    assert checkpoint.find(exported) == (exported, 0)
    assert checkpoint.read_config(exported) == checkpoint.read_config(workdir)
    assert checkpoint.read_calibration(exported, 0) == checkpoint.read_calibration(workdir, 0)
    ours, theirs = (checkpoint.load_params(folder, 0) for folder in (workdir, exported))
    kernel, rounded = (params["head"]["visual_proj"]["kernel"] for params in (ours, theirs))
    np.testing.assert_allclose(rounded, kernel, rtol=1e-3)


def test_existing_files_are_not_replaced(workdir, exported, tmp_path):
    export = build_export.make_export(workdir, 0, **OPTIONS)
    with pytest.raises(ValueError, match="scorer already exists and is not empty"):
        export(exported)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ValueError, match="file already exists and is not empty"):
        export(file)


def test_a_head_whose_features_have_an_unknown_size_is_refused(tmp_path):
    config = small_config("features")
    config.model.audio.channels = 0
    checkpoint.write_config(tmp_path, json.loads(config.to_json()))
    checkpoint.write_params(tmp_path, random_params(config, Extraction("", "", CHANNELS)))
    message = r"features whose size its config does not record.*--weights=ENCODER, or write"
    with pytest.raises(ValueError, match=message):
        build_export.make_export(tmp_path, 0, **OPTIONS)


def test_the_manifest_names_the_encoder_of_the_features(exported):
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["features"] == {
        "encoder": "avhubert",
        "fingerprint": "0123456789abcdef",
        "dtype_of_encoder": "unknown",
        "channels": CHANNELS,
    }


def test_scores_are_made_by_the_rules_of_the_calibration_clips(workdir, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "head")
    by_mean = {**calibration(*range(1, 20), pooling="mean"), "trim": "none", "realigned_frames": 2}
    checkpoint.write_calibration(copy, 0, by_mean)
    build_export.make_export(copy, 0, **OPTIONS)(tmp_path / "scorer")
    manifest = json.loads((tmp_path / "scorer" / "manifest.json").read_text())
    assert manifest["rules"]["pooling"] == "mean"
    assert manifest["realign"]["late_frames"] == 2
    assert manifest["trim"]["rule"] == manifest["thresholds"]["trim"] == "none"
    assert manifest["thresholds"]["by_false_alarm_rate"]["0.05"]["score"] == 19


def test_the_folder_has_a_card_and_the_terms_of_the_encoder_s_weights(exported):
    assert 'license: "cc-by-4.0"' in (exported / "README.md").read_text()
    for file in ("README.md", "LICENSE.md"):
        text = (exported / file).read_text()
        assert "non-commercial research only" in text  # of AV-HuBERT
        assert "CC BY-NC-SA 4.0" in text  # the config of this checkpoint records no training
    encoder_of_features = "encoder of its features, not in this folder, `avhubert 0123456789abcdef"
    assert encoder_of_features in (exported / "README.md").read_text()


def test_the_hub_s_own_parser_reads_the_card_of_the_folder(exported):
    cards = pytest.importorskip("huggingface_hub", reason="pip install 'avsync[hub]'")
    card = cards.ModelCard.load(exported / "README.md")
    assert (card.data.license, card.data.library_name) == ("cc-by-4.0", "avsync")
    assert card.data.to_dict() == cards.repocard.metadata_load(exported / "README.md")


def test_the_terms_of_published_weights_are_in_the_licences():
    for model in ("avhubert", "shared avhubert", "features"):
        (licence,) = build_export.licences(small_config(model))
        assert "non-commercial research only" in licence
    assert build_export.licences(small_config("lip_conv")) == []


def test_a_head_of_features_by_an_encoder_that_avsync_does_not_have_can_be_exported():
    config = trained.with_origin(small_config("features"), FeatureOrigin("another"), CHANNELS)
    assert build_export.licences(config) == []


def test_a_converted_checkpoint_has_no_training_and_an_export_that_of_its_manifest(exported):
    converted = default()
    assert build_export.describe_training(converted, exported.parent, 0) == {}
    trained = build_export.describe_training(converted, exported.parent, 200)
    assert (trained["dataset"], trained["updates"]) == ("synthetic_talkers, train split", 200)
    several = with_changes(converted, {"data.mixture": {"grid/by_talker": 1.0, "crema_d": 3.0}})
    mixed = build_export.describe_training(several, exported.parent, 200)
    assert mixed["dataset"] == "crema_d (75%), grid/by_talker (25%), train split"
    manifest = json.loads((exported / "manifest.json").read_text())
    assert build_export.describe_training(converted, exported, 0) == manifest["training"] == {}
    converted.data.dataset = "grid"  # as in the config of a trained head that was joined
    head = build_export.describe_training(converted, exported.parent, 0)
    assert head["loss"] == "alignment"
    assert "trained" not in head
    converted.model.audio = encoder("shared")
    joined = build_export.describe_training(converted, exported.parent, 0)
    assert joined["trained"] == "the head alone, on features of the encoder"
    converted.train.freeze = "encoder"
    tuned = build_export.describe_training(converted, exported.parent, 0)
    assert (tuned["frozen"], "trained" in tuned) == ("encoder", False)


def test_of_two_exports_to_one_folder_one_finds_that_it_is_there(workdir, tmp_path):
    folder = tmp_path / "scorer"
    exports = [build_export.make_export(workdir, 0, **OPTIONS) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        errors = [job.exception() for job in [threads.submit(e, folder) for e in exports]]
    (error,) = filter(None, errors)
    assert isinstance(error, ValueError)
    assert "scorer already exists and is not empty" in str(error)
    assert list(tmp_path.iterdir()) == [folder]
