"""Changes of a config by the command line or a sweep, and the messages about mistakes."""

import itertools

import pytest

from avsync.bin._config_flag import Chosen
from avsync.config import default, encoder, with_changes
from avsync.config.changes import flat, parse_changes
from avsync.sweeps import plan


def test_a_name_replaces_the_fields_of_its_section_in_any_order():
    texts = {"model.head.name": "fusion_mlp", "model.head.projection": "64", "seed": "3"}
    for order in itertools.permutations(texts):
        changes = parse_changes(default(), {field: texts[field] for field in order})
        config = with_changes(default(), changes)
        assert config.model.head.to_dict() == {
            "name": "fusion_mlp", "projection": 64, "widths": (512, 256, 128)
        }  # fmt: skip
        assert config.seed == 3


def test_setting_the_current_name_keeps_the_fields():
    config = default()
    config.model.visual = encoder("lip_conv", embedding=16)
    changed = with_changes(config, {"model.visual.name": "lip_conv", "model.visual.pool": 4})
    assert (changed.model.visual.embedding, changed.model.visual.pool) == (16, 4)


def test_changes_may_be_nested_and_leave_the_config_as_it_is():
    config = default()
    changed = with_changes(config, {"model": {"head": {"name": "fusion_mlp"}, "edges": "official"}})
    assert (changed.model.head.name, changed.model.edges) == ("fusion_mlp", "official")
    assert config.to_dict() == default().to_dict()


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("train.num_steps", "1e4", 10_000),
        ("train.num_steps", "7", 7),
        ("optim.learning_rate", "3", 3.0),
        ("optim.learning_rate", "1e-3", 1e-3),
        ("data.dataset", "3", "3"),
        ("model.visual.widths", "(8,16)", (8, 16)),
        ("model.visual.widths", "8, 16", (8, 16)),
        ("model.visual.widths", "8", (8,)),
        ("model.visual.widths", "()", ()),
        ("data.mixture", "{'grid': 1, 'lrs3/part': 0.5}", {"grid": 1.0, "lrs3/part": 0.5}),
        ("data.mixture", "{}", {}),
    ],
)
def test_text_becomes_a_value_of_the_type_of_the_field(field, text, value):
    changes = parse_changes(default(), {field: text})
    assert changes == {field: value}
    assert type(changes[field]) is type(value)
    assert dict(flat(with_changes(default(), changes)))[field] == value


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("optim.lr", "3", r"config\.optim\.lr; did you mean config\.optim\.learning_rate\? "),
        ("optim.learning_rte", "3", r"did you mean config\.optim\.learning_rate\?"),
        ("modle.x", "1", r"config\.modle\.x; did you mean config\.model\? config has data, model"),
        ("modle.head.name", "cosine", r"did you mean config\.model\.head\.name\?"),
        ("train.batch_size", "1", r"did you mean config\.data\.batch_size\?"),
        ("learning_rate", "1", r"did you mean config\.optim\.learning_rate\?"),
        ("zzz", "1", r"unknown config field: config\.zzz\. config has data, model,"),
        ("optim.learning_rate.x", "1", r"config\.optim\.learning_rate is a value, 0\.002"),
        ("optim", "adam", r"config\.optim is a section; its fields: .*learning_rate"),
        ("model.head", "cosine", r"config\.model\.head is a section; its fields: .*name"),
        ("model.visual.embeding", "3", r"config\.model\.visual .* did you mean 'embedding'\?"),
        ("model.head.projection", "3", r"'projection'\. Known: initial_scale\. .*fusion_mlp"),
        ("model.visual.name", "lipconv", "unknown encoder: 'lipconv'; did you mean 'lip_conv'"),
        ("train.num_steps", "1.5", r"config\.train\.num_steps expects an integer .*, got 1\.5"),
        ("train.num_steps", "ten", r"config\.train\.num_steps expects an integer .*, got 'ten'"),
        ("optim.learning_rate", "fast", "expects a number such as 0.002, got 'fast'"),
        ("model.visual.widths", "wide", r"expects a tuple such as \(128, 192\), got 'wide'"),
        ("model.visual.widths", "(1.5,)", "expects an integer such as 128, got 1.5"),
        ("data.mixture", "grid", r"expects numbers by name such as \{'grid': 1.0.*, got 'grid'"),
        ("data.mixture", "{'grid': 'much'}", r"mixture\['grid'\] expects a number .* got 'much'"),
        ("data.mixture.grid", "1", r"config\.data\.mixture is a value, \{\}"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_nearest_field_or_the_type(field, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        with_changes(default(), parse_changes(default(), {field: text}))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("field", "value"), [("seed", "1"), ("seed", True), ("data.trim", 1)])
def test_values_of_a_sweep_are_not_converted_between_types(field, value):
    with pytest.raises(ValueError, match=f"config.{field} expects"):
        with_changes(default(), {field: value})


def test_names_and_fields_of_plug_ins_can_be_swept():
    runs = [
        {"model.head.name": "fusion_mlp", "model.head.projection": 64},
        {"model.visual.embedding": 64, "model.audio.embedding": 64},
    ]
    sweep = plan.make_sweep(
        runs,
        config="grid",
        fixed={},
        fields_with=lambda changes: dict(flat(with_changes(default(), changes))),
    )
    values = {field: [sweep.value(run, field) for run in sweep.runs] for field in sweep.swept}
    assert values == {
        "model.head.name": ["fusion_mlp", "cosine"],
        "model.head.projection": [64, ""],
        "model.visual.embedding": [128, 64],
        "model.audio.embedding": [128, 64],
    }
    assert sweep.runs[1].name == "001_visual.embedding=64,audio.embedding=64"


def test_a_run_must_have_the_fields_that_are_set_for_all_runs():
    # Each run gets both as flags, and fusion_mlp has no initial_scale.
    changes = {"model.head.initial_scale": 5.0}
    chosen = Chosen(default(), "grid", changes, with_changes(default(), changes))
    with pytest.raises(ValueError, match=r"unknown field .* 'initial_scale'"):
        plan.make_sweep(
            [{"model.head.name": "fusion_mlp"}],
            config=chosen.argument,
            fixed=chosen.changes,
            fields_with=chosen.fields_with,
        )
    assert chosen.fields_with({"seed": 3})["model.head.initial_scale"] == 5.0


def test_the_name_of_a_plug_in_must_be_text():
    with pytest.raises(ValueError, match=r"config\.model\.visual\.name expects text"):
        with_changes(default(), {"model.visual.name": 3})


def test_a_list_as_text_is_a_tuple():
    # A sweep may give a list, and its runs get it as text.
    changes = parse_changes(default(), {"model.visual.widths": "[8, 16]"})
    assert changes == {"model.visual.widths": (8, 16)}


def test_a_mixture_takes_the_place_of_the_dataset_and_the_other_way_round():
    mixed = with_changes(default(), {"data.mixture": {"grid": 2, "lrs3": 1}})
    assert (mixed.data.dataset, mixed.data.mixture.to_dict()) == ("", {"grid": 2.0, "lrs3": 1.0})
    again = with_changes(mixed, {"data": {"dataset": "lrs3"}})
    assert (again.data.dataset, again.data.mixture.to_dict()) == ("lrs3", {})
    # As its config.json records it.
    recorded = with_changes(default(), mixed.to_dict())
    assert recorded.to_dict() == mixed.to_dict()
    with pytest.raises(ValueError, match=r"data\.dataset is 'grid' and .*: give one of them"):
        with_changes(default(), {"data.mixture": {"lrs3": 1.0}, "data.dataset": "grid"})
