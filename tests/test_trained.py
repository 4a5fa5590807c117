"""Whole models, heads of features and encoders alone: which fit together, and what is refused."""

import jax
import numpy as np
import pytest

from avsync import build, trained
from avsync.config import default, encoder, head
from avsync.trained import Trained
from avsync.types import Extraction, FeatureOrigin

SIZES = {"embedding": 16, "feed_forward": 16, "num_heads": 2, "num_layers": 1}

BOTH: dict[str, int] = {"visual": 16, "audio": 16}


def filled(shapes, value):
    return jax.tree.map(lambda x: np.full(x.shape, value, np.float32), shapes)


def an_encoder(tmp_path, value=0.0, **options) -> Trained:
    """As avsync-convert writes it: parameters of the encoder alone, here all equal to `value`."""
    config = default()
    config.model.visual = encoder("avhubert", modality="both", **{**SIZES, **options})
    config.model.audio = encoder("shared")
    model = build.make_model(config)
    shapes = jax.eval_shape(lambda: build.init_params(model, build.inputs_like(), seed=0))
    return Trained(config, filled(shapes["encoder"], value), tmp_path / "encoder")


def a_head(tmp_path, origin: FeatureOrigin, channels=16) -> Trained:
    config = default()
    config.model.head = head("fusion_mlp", projection=4, widths=(4,))
    config.model.visual = config.model.audio = encoder("precomputed")
    config = trained.with_origin(config, origin, dict.fromkeys(BOTH, channels))
    model = build.make_model(config)
    inputs = build.inputs_like(Extraction("leading", "", BOTH))
    shapes = jax.eval_shape(lambda: build.init_params(model, inputs, seed=0))
    return Trained(config, filled(shapes, 0.5), tmp_path / "head")


@pytest.fixture
def partner(tmp_path):
    return an_encoder(tmp_path)


@pytest.fixture
def own_head(tmp_path, partner):
    return a_head(tmp_path, trained.origin_of(partner))


def test_a_head_and_the_encoder_of_its_features_are_a_whole_model(own_head, partner):
    whole = trained.join(own_head, partner)
    assert set(whole.params) == {"encoder", "head"}
    assert not whole.reads_features
    assert not whole.is_encoder
    assert trained.for_clips(whole) is whole
    build.scorer_of(whole, None)


def test_a_head_that_does_not_record_its_encoder_is_joined_by_size(tmp_path, partner):
    unknown = a_head(tmp_path, FeatureOrigin(), channels=0)
    build.scorer_of(trained.join(unknown, partner), None)
    other_size = an_encoder(tmp_path, embedding=32)
    with pytest.raises(ValueError, match="wrong shape"):
        build.scorer_of(trained.join(unknown, other_size), None)


def test_another_encoder_is_refused_with_both_fingerprints(tmp_path, own_head, partner):
    other = an_encoder(tmp_path, value=1.0)
    prints = [trained.origin_of(model).fingerprint for model in (partner, other)]
    assert prints[0] != prints[1]
    with pytest.raises(ValueError, match=f"{prints[0]}, not {prints[1]}.*extract"):
        trained.join(own_head, other)


def test_a_join_says_what_it_could_not_check(tmp_path, own_head, partner):
    unknown = a_head(tmp_path, FeatureOrigin())
    trained.write(unknown, tmp_path / "unknown")
    trained.write(own_head, tmp_path / "own")
    whole = trained.join(unknown, partner)
    said = trained.unchecked(whole, head=tmp_path / "unknown")
    assert f"only the sizes of {trained.origin_of(partner)} were compared" in said
    assert trained.unchecked(whole, head=tmp_path / "own") == ""


def test_an_encoder_of_another_size_is_refused(tmp_path, own_head):
    with pytest.raises(ValueError, match="16 channels per frame, not 32"):
        trained.join(own_head, an_encoder(tmp_path, embedding=32))


def test_only_a_head_and_an_encoder_can_be_joined(own_head, partner):
    with pytest.raises(ValueError, match=r"already reads clips.*no --weights"):
        trained.join(trained.join(own_head, partner), partner)
    with pytest.raises(ValueError, match="not an encoder of both streams"):
        trained.join(own_head, own_head)


def test_no_model_is_written_over_another(tmp_path, own_head, partner):
    trained.write(partner, tmp_path)
    with pytest.raises(ValueError, match="already has a checkpoint, after 0 updates"):
        trained.write(own_head, tmp_path)


def test_a_head_does_not_read_clips_and_says_what_does(own_head, partner):
    known = str(trained.origin_of(partner))
    assert known.startswith("avhubert ")
    with pytest.raises(ValueError, match=f"features of {known}.*--weights=.*convert join"):
        build.scorer_of(own_head, None)


def test_a_whole_model_reads_the_features_of_its_own_encoder_alone(tmp_path, own_head, partner):
    whole = trained.join(own_head, partner)
    extraction = Extraction("leading", str(trained.origin_of(partner)), BOTH)
    features = trained.for_features(whole, extraction)
    assert set(features.params) == {"head"}
    assert features.config == own_head.config
    build.scorer_of(whole, extraction)
    other = trained.origin_of(an_encoder(tmp_path, value=1.0))
    with pytest.raises(ValueError, match=f"not {other.fingerprint}"):
        trained.for_features(whole, extraction._replace(encoder=str(other)))


def test_a_model_of_two_encoders_reads_no_features(tmp_path):
    towers = Trained(default(), {"head": {}}, tmp_path)
    with pytest.raises(ValueError, match=r"encoders 'lip_patch' and 'mel_conv'.*cannot read"):
        trained.for_features(towers, Extraction("none", "", BOTH))


def test_only_one_encoder_of_both_streams_extracts_features(tmp_path):
    towers = Trained(default(), {"head": {}}, tmp_path)
    with pytest.raises(ValueError, match="'lip_patch' extracts no features"):
        trained.origin_of(towers)
    towers.config.model.visual = encoder("avhubert", modality="video", **SIZES)
    with pytest.raises(ValueError, match="has an encoder for each stream"):
        trained.origin_of(towers)


def test_features_of_raw_length_are_not_mistaken_for_those_of_unit_length(tmp_path, own_head):
    raw = an_encoder(tmp_path, length="raw")
    assert trained.origin_of(raw) == trained.recorded_origin(own_head.config)
    with pytest.raises(ValueError, match="length='raw'"):
        trained.join(own_head, raw)
    whole = Trained(raw.config, {"encoder": raw.params, **own_head.params}, tmp_path)
    with pytest.raises(ValueError, match="length='raw'"):
        trained.for_features(whole, Extraction("leading", str(trained.origin_of(raw)), BOTH))


def test_features_of_one_stream_are_refused(own_head):
    given = Extraction("leading", "", {"visual": 16})
    with pytest.raises(ValueError, match=r"have no audio stream: extract .*--streams=visual,audio"):
        trained.for_features(own_head, given)


def test_training_on_features_records_their_origin(partner):
    config = default()
    config.model.visual = config.model.audio = encoder("precomputed")
    origin = trained.origin_of(partner)
    extraction = Extraction("leading", str(origin), BOTH)
    recorded = trained.with_origin_of(config, extraction)
    assert trained.recorded_origin(recorded) == origin
    assert recorded.model.visual.channels == recorded.model.audio.channels == 16
    assert trained.with_origin_of(recorded, extraction) == recorded
    other = origin._replace(fingerprint="0" * 16)
    with pytest.raises(ValueError, match=f"{origin.fingerprint}, not {other.fingerprint}"):
        trained.with_origin_of(recorded, extraction._replace(encoder=str(other)))


def test_a_config_for_clips_records_no_features():
    config = default()
    assert trained.with_origin_of(config, None) is config


def test_the_origin_of_features_is_text_in_a_dataset():
    origin = FeatureOrigin("avhubert", "0123456789abcdef", "bfloat16")
    assert str(origin) == "avhubert 0123456789abcdef in bfloat16"
    assert FeatureOrigin.parse(str(origin)) == origin
    unknown = origin._replace(dtype="")
    assert FeatureOrigin.parse(str(unknown)) == unknown
    assert FeatureOrigin.parse("my encoder") == FeatureOrigin("my encoder")
    assert not FeatureOrigin.parse("")
