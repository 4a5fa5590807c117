"""The fields of a config are those of the plug-ins that it names, with their defaults."""

import dataclasses
import re

import pytest
from ml_collections import ConfigDict

from avsync import lookup
from avsync.config import (
    default,
    encoder,
    from_json,
    head,
    make_supervised,
    require_known,
    require_variant,
)
from avsync.config.fields import ENCODERS, HEADS, PLUG_INS, PlugIns
from avsync.config.files import ArgumentError

ALL = [(plug_ins, name) for plug_ins in (ENCODERS, HEADS) for name in plug_ins.names()]


@pytest.mark.parametrize(("plug_ins", "name"), ALL)
def test_the_config_has_every_field_of_a_plug_in_with_its_default(plug_ins: PlugIns, name: str):
    cls = getattr(lookup.load(plug_ins.package, name), plug_ins.class_name)
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(cls)
        if field.name not in lookup.NOT_IN_CONFIG
    }
    fields = plug_ins.fields(name)
    assert {field: value.default for field, value in fields.items()} == defaults
    section = {"encoder": encoder, "head": head}[plug_ins.kind](name)
    assert section.to_dict() == {"name": name, **defaults}


@pytest.mark.parametrize("section", PLUG_INS)
def test_the_plug_ins_of_the_default_config_are_known(section):
    options = default()
    for part in section.split("."):
        options = options[part]
    assert options.name in PLUG_INS[section].names()


def test_a_section_takes_values_of_the_type_of_the_default():
    section = encoder("lip_conv", widths=[8, 16], embedding=16.0)
    assert (section.widths, section.embedding) == ((8, 16), 16)
    assert type(section.embedding) is int
    assert section.temporal_blocks == encoder("lip_conv").temporal_blocks


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: encoder("lipconv"), "unknown encoder: 'lipconv'; did you mean 'lip_conv'"),
        (lambda: head("cosin"), "unknown head: 'cosin'; did you mean 'cosine'"),
        (
            lambda: encoder("lip_conv", embeding=3),
            r"unknown field of encoder 'lip_conv': 'embeding'; did you mean 'embedding'\?",
        ),
        (lambda: head("cosine", projection=3), "It is a field of fusion_mlp"),
        (lambda: encoder("lip_conv", widths=8), r"widths expects a tuple such as \(96, 128\), got"),
        (lambda: encoder("lip_conv", pool="2"), "pool expects an integer such as 2, got '2'"),
        (lambda: encoder("mel_conv", widths=(8, 8)), "widths expects 3 values"),
    ],
)
def test_an_invalid_section_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_name_of_a_plug_in_alone_is_not_a_section():
    config = default()
    config.model.head.name = "fusion_mlp"
    with pytest.raises(ValueError, match=r"config\.model\.head .*avsync\.config\.head\('fusion_ml"):
        require_known(config)


@pytest.mark.parametrize("other", [None, {"seed": 0}, ConfigDict({"seed": 0})])
def test_an_object_that_is_not_a_config_is_refused(other):
    with pytest.raises(ValueError, match=r"expected a config, |no config\.model\.visual\.name"):
        require_known(other)


def test_a_mistyped_field_of_a_config_file_is_named():
    config = default()
    config.train.num_stpes = 3
    with pytest.raises(ValueError, match=r"did you mean config\.train\.num_steps\?"):
        require_known(config)


def test_the_supervised_baseline_keeps_the_model():
    config = default()
    make_supervised(config)
    assert config.model == default().model
    assert (config.train.loss, config.data.trim) == ("supervised", "none")


def test_a_variant_is_checked_against_the_known_ones():
    assert require_variant("test", ("test", "official")) == "test"
    assert require_variant("", ("test",)) == ""
    with pytest.raises(ArgumentError, match="unknown variant: 'tset'; did you mean 'test'"):
        require_variant("tset", ("test", "official"))


def test_a_config_survives_its_file():
    config = default()
    config.model.visual = encoder("lip_conv", widths=(8, 16), embedding=16)
    values = config.to_dict()
    # As JSON has them.
    values["model"]["visual"].update(widths=[8, 16], blocks=[0, 0])
    assert from_json(values, path="config.json").to_dict() == config.to_dict()


def test_fields_that_a_checkpoint_records_are_not_replaced_by_defaults():
    values = default().to_dict()
    values["model"]["visual"]["temporal_blocks"] = 5
    values["score"]["pooling"] = "mean"
    del values["train"]["reach_clips"]  # plays no part in the model
    config = from_json(values, path="config.json")
    assert (config.model.visual.temporal_blocks, config.score.pooling) == (5, "mean")
    assert config.train.reach_clips == default().train.reach_clips


@pytest.mark.parametrize(
    ("section", "fields", "missing"),
    [
        ("visual", {"name": "lip_conv"}, "by avsync 0.1, .*model.visual.blocks, .* and 6 more"),
        (
            "head",
            {"name": "fusion_mlp", "projection": 8},
            r"incomplete: it lacks model\.head\.width",
        ),
        ("head", {}, "incomplete: it lacks .*model.head.name"),
    ],
)
def test_a_checkpoint_that_does_not_record_its_architecture_is_refused(section, fields, missing):
    values = default().to_dict()
    values["model"][section] = fields
    message = r"^runs/old/config\.json (was written |is )" + missing
    with pytest.raises(ValueError, match=message):
        from_json(values, path="runs/old/config.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"visual": {"embeding": 3}}}, "did you mean 'embedding'"),
        ({"model": {"visual": {"pool": "x"}}}, "pool expects an integer"),
        ({"model": {"head": {"name": "cosin"}}}, "unknown head: 'cosin'"),
        ({"train": {"num_stpes": 3}}, r"config\.train\.num_stpes; did you mean"),
    ],
)
def test_an_invalid_value_in_a_config_json_is_named(change, message):
    values = default().to_dict()
    for section, fields in change.items():
        for name, value in fields.items():
            if isinstance(value, dict):
                values[section][name].update(value)
            else:
                values[section][name] = value
    with pytest.raises(ValueError, match=rf"^w/config\.json: .*{message}"):
        from_json(values, path="w/config.json")


def test_the_source_of_a_plug_in_must_have_its_class_and_literal_defaults(monkeypatch, tmp_path):
    (tmp_path / "computed.py").write_text("class Encoder:\n    size: int = 2 * len('x')\n")
    (tmp_path / "bare.py").write_text("class Encoder:\n    size: int\n")
    (tmp_path / "other.py").write_text("class Other:\n    size: int = 2\n")
    from avsync.models import encoders

    monkeypatch.setattr(encoders, "__path__", [str(tmp_path)])
    for name, message in (
        ("computed", "computed.py:2: .* must be a literal, got 2 * len('x')"),
        ("bare", "bare.py:2: .* got no default"),
        ("other", "other.py has no class Encoder"),
    ):
        with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
            lookup.fields.__wrapped__("models.encoders", name, "Encoder")
