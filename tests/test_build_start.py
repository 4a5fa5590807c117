"""The parameters that a training starts from, on tiny models of clips and on a head of features."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from avsync import build, build_start, build_training, checkpoint
from avsync import trained as trained_module
from avsync.config import Config, default, encoder, with_changes
from avsync.train.job import Schedule, Training
from tests import feature_dataset
from tests.test_configs import load

SMALL = {
    "model.visual": dict(name="lip_conv", stem_width=4, widths=(4, 8), features=8, embedding=6),
    "model.audio": dict(name="mel_conv", widths=(4, 4, 6), embedding=6),
}
TINY = dict(embedding=32, feed_forward=32, num_heads=2, num_layers=3)


def clips_config(**changes) -> Config:
    config = with_changes(default(), SMALL)
    return with_changes(config, changes)


def avhubert_config(**changes) -> Config:
    """A visual tower of AV-HuBERT with three blocks beside the small audio encoder."""
    config = clips_config()
    config.model.visual = encoder("avhubert", modality="video", **TINY)
    return with_changes(config, {"model.audio.embedding": 32, **changes})


def job_of(config: Config) -> Training:
    """A training of `config` without data."""
    model = build.make_model(config)

    def init():
        return build.init_params(model, build.inputs_like(), seed=config.seed)

    none = build.make_apply(model)
    return Training(
        batches=lambda _: iter([]),
        validations=(),
        apply=none,
        apply_in_training=none,
        init=init,
        rule=build_training.make_rule(config, num_steps=200, init=init),
        plateau=build_training.make_plateau(config),
        schedule=Schedule(1, 1, 1, 0),
    )


def write(path: Path, config: Config, params) -> Path:
    checkpoint.write_config(path, json.loads(config.to_json()))
    checkpoint.write_params(path, params)
    return path


def some_params(config: Config):
    """Parameters that no seed gives."""
    random = np.random.default_rng(0)
    shapes = jax.eval_shape(job_of(config).init)
    return jax.tree.map(lambda x: np.asarray(random.standard_normal(x.shape), np.float32), shapes)


def starting(config: Config, init_from: str):
    config = with_changes(config, {"train.init_from": init_from})
    return build_start.start(job_of(config), config).init()


def assert_equal(one, other) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the small model."""
    return write(tmp_path_factory.mktemp("trained"), clips_config(), some_params(clips_config()))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An AV-HuBERT encoder alone, for both streams, as avsync-convert writes it."""
    config = joint_config()
    return write(tmp_path_factory.mktemp("alone"), config, some_params(config)["encoder"])


def joint_config(**changes) -> Config:
    """AV-HuBERT with three blocks as the encoder of both streams."""
    config = avhubert_config()
    config.model.visual.modality = "both"
    config.model.audio = encoder("shared")
    return with_changes(config, {"model.head.name": "fusion_mlp", **changes})


def test_a_training_starts_from_all_parameters_of_another(trained):
    expected = checkpoint.load_params(trained, 0)
    for place in (trained, trained / "checkpoints" / "0"):
        assert_equal(starting(clips_config(), str(place)), expected)


def test_a_training_starts_from_one_part_of_another_and_the_rest_is_that_of_the_seed(trained):
    fresh, given = job_of(clips_config()).init(), checkpoint.load_params(trained, 0)
    begun = starting(clips_config(), f"visual_encoder={trained}")
    assert_equal(begun, {**fresh, "visual_encoder": given["visual_encoder"]})
    begun = starting(clips_config(), f"head={trained},audio_encoder={trained}/checkpoints/0")
    assert_equal(begun, {**given, "visual_encoder": fresh["visual_encoder"]})


def test_an_encoder_alone_serves_as_a_part_without_the_layers_of_the_other_modality(alone):
    begun = starting(avhubert_config(), f"visual_encoder={alone}")
    expected = checkpoint.load_params(alone, 0)
    del expected["audio_projection"]
    assert_equal(begun["visual_encoder"], expected)


def test_an_encoder_alone_is_the_encoder_of_a_whole_model(alone):
    begun = starting(joint_config(seed=1), f"encoder={alone}")
    assert_equal(begun["encoder"], checkpoint.load_params(alone, 0))
    assert begun.keys() == {"encoder", "head"}


def test_a_head_of_features_is_refused_beside_another_encoder(alone, tmp_path):
    config = joint_config()
    head = {"head": some_params(config)["head"]}
    origin = trained_module.origin_of(trained_module.load_any(*checkpoint.find(alone)))
    other = origin._replace(fingerprint="0" * 16)
    for name, known in (("own", origin), ("other", other)):
        of_features = trained_module.with_origin(config, known, {"visual": 32, "audio": 32})
        write(tmp_path / name, of_features, head)
    begun = starting(config, f"encoder={alone},head={tmp_path / 'own'}")
    assert_equal(begun["head"], head["head"])
    message = f"encoder with the fingerprint {other.fingerprint}, not {origin.fingerprint}"
    with pytest.raises(ValueError, match=message):
        starting(config, f"encoder={alone},head={tmp_path / 'other'}")


def test_the_head_of_a_whole_model_serves_a_training_on_features(tmp_path):
    config = joint_config()
    params = some_params(config)
    whole = write(tmp_path / "whole", config, params)
    clip = np.ones((10, 32), np.float32)
    feature_dataset.write(tmp_path / "data", {"train": [(clip, clip)] * 4, "val": [(clip, clip)]})
    config = load("avh_align", "test")
    config.data.update(dataset="features", data_dir=str(tmp_path / "data"))
    config.model.head = joint_config().model.head
    job = build_training.make_training(config)
    config.train.init_from = f"head={whole}"
    assert_equal(build_start.start(job, config).init(), {"head": params["head"]})
    config.train.init_from = str(whole)
    message = "holds encoder and head, and the model consists of head: .*init_from=head="
    with pytest.raises(ValueError, match=message):
        build_start.start(job, config)


def test_a_path_may_look_like_a_part(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rate=1,head=2").symlink_to(trained)
    expected = checkpoint.load_params(trained, 0)
    assert_equal(starting(clips_config(), "rate=1,head=2"), expected)


@pytest.mark.parametrize(
    ("init_from", "message"),
    [
        ("missing", "checkpoint not found: missing;"),
        ("visual=T", r"'visual'; did you mean 'visual_encoder'\? Known: .*head"),
        ("encoder=T", r"unknown part .* 'encoder'; did you mean"),
        ("head=A", "has no head: it holds an encoder alone"),
        ("A", r"holds an encoder alone, .*init_from=encoder=A"),
        ("head=T,head=A", "two checkpoints are given for the head, T and A"),
        ("visual_encoder=A", r"has name='avhubert', but .* Set --\S*\.name=avhubert$"),
    ],
)
def test_a_checkpoint_that_does_not_give_a_part_is_refused(
    trained, alone, tmp_path, monkeypatch, init_from, message
):
    monkeypatch.chdir(tmp_path)
    for name, place in (("T", trained), ("A", alone)):
        (tmp_path / name).symlink_to(place)
    with pytest.raises(ValueError, match=message):
        starting(clips_config(), init_from)


def test_parameters_of_other_shapes_are_refused_and_named(trained):
    config = clips_config(**{"model.head.name": "fusion_mlp"})
    message = r"does not fit the model: missing: head\.\S+ .*unknown: head\.\S+"
    with pytest.raises(ValueError, match=message):
        starting(config, f"head={trained}")


@pytest.mark.parametrize(
    ("field", "value"), [("num_heads", 4), ("amplitude", "int16"), ("num_layers", 2)]
)
def test_an_encoder_whose_options_differ_is_refused_with_both_values(alone, field, value):
    recorded = trained_module.read_config(alone).model.visual[field]
    config = joint_config(**{f"model.visual.{field}": value})
    message = rf"has {field}={recorded!r}, but config.model.visual.{field} is {value!r}"
    with pytest.raises(ValueError, match=rf"{message}.* Set --\S*{field}={recorded}"):
        starting(config, f"encoder={alone}")


def test_options_that_change_no_feature_may_differ(alone):
    changes = {"model.visual.remat": "blocks", "model.visual.chunk_frames": 8}
    starting(avhubert_config(**changes), f"visual_encoder={alone}")


def test_random_parameters_are_not_frozen(alone):
    config = avhubert_config(**{"train.freeze": "visual_encoder.resnet"})
    with pytest.raises(ValueError, match=r"visual_encoder as they are, .* be random: .*--weights"):
        starting(config, "")
    starting(config, f"visual_encoder={alone}")


def test_weights_are_those_of_both_encoders_and_a_checkpoint_beside_them_is_the_head():
    config = avhubert_config()
    config.model.audio = encoder("avhubert", modality="audio", **TINY)
    both = "visual_encoder=W,audio_encoder=W"
    assert build_start.with_weights(config, "W").train.init_from == both
    config.train.init_from = "runs/head"
    assert build_start.with_weights(config, "W").train.init_from == f"{both},head=runs/head"
    assert build_start.with_weights(config, None) is config
    assert build_start.with_weights(joint_config(), "W").train.init_from == "encoder=W"


def test_weights_are_refused_by_a_model_without_such_an_encoder():
    with pytest.raises(ValueError, match="this config has 'lip_conv' and 'mel_conv'"):
        build_start.with_weights(clips_config(), "W")


def test_a_workdir_begun_before_a_field_existed_resumes_with_its_default(tmp_path):
    config = clips_config()
    older = json.loads(config.to_json())
    del older["train"]["freeze"], older["optim"]["layer_decay"]
    checkpoint.write_config(tmp_path, older)
    build_start.write_config(config, tmp_path)
    assert checkpoint.read_config(tmp_path) == older
    changed = with_changes(config, {"train.freeze": "visual_encoder"})
    with pytest.raises(ValueError, match=r"train\.freeze: '' then, 'visual_encoder' now"):
        build_start.write_config(changed, tmp_path)


def test_a_workdir_begun_before_heads_recorded_their_encoder_resumes(tmp_path):
    clip = np.ones((10, 8), np.float32)
    feature_dataset.write(tmp_path / "data", {"train": [(clip, clip)], "val": [(clip, clip)]})
    config = load("avh_align", "test")
    config.data.update(dataset="features", data_dir=str(tmp_path / "data"))
    older = json.loads(config.to_json())
    older["model"].update(visual={"name": "precomputed"}, audio={"name": "precomputed"})
    checkpoint.write_config(tmp_path / "workdir", older)
    now = build_training.with_origin(config)
    assert now.model.visual.channels == 8
    build_start.write_config(now, tmp_path / "workdir")
