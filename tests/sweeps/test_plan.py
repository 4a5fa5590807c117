import json
from pathlib import Path

import numpy as np
import pytest

from avsync.sweeps import plan

FIELDS = {
    "seed": 0,
    "model.visual.widths": (24, 48),
    "optim.name": "adamw",
    "optim.learning_rate": 2e-3,
    "train.num_steps": 9,
}


def fields_with(changes: dict) -> dict:
    """As the command line's: an unknown field is an error."""
    if unknown := changes.keys() - FIELDS.keys():
        raise ValueError(f"unknown config field: {unknown}")
    return {**FIELDS, **changes}


def make(*overrides: dict, fixed: dict | None = None) -> plan.Sweep:
    return plan.make_sweep(
        overrides, config="configs/quickstart.py", fixed=fixed or {}, fields_with=fields_with
    )


def test_a_run_is_named_after_its_index_and_changes():
    sweep = make({"optim.learning_rate": 1e-3, "seed": 2}, {}, {"optim.name": "a/b c"})
    assert [run.name for run in sweep.runs] == [
        "000_learning_rate=0.001,seed=2",
        "001_unchanged",
        "002_name=a-b-c",
    ]


def test_names_are_short_enough_for_a_folder():
    assert len(plan.name_of(0, {f"field_{i}": i for i in range(100)})) < 200


def test_fields_that_a_run_does_not_change_have_the_value_of_the_config():
    sweep = make({"seed": 2}, {"optim.name": "adam"})
    assert [sweep.value(run, "seed") for run in sweep.runs] == [2, 0]
    assert sweep.swept == ["seed", "optim.name"]


def test_a_field_that_only_a_plug_in_of_other_runs_has_is_empty():
    def fields_with(changes: dict) -> dict:
        return {**FIELDS, **changes}

    sweep = plan.make_sweep(
        [{"head.projection": 8}, {}], config="grid", fixed={}, fields_with=fields_with
    )
    assert [sweep.value(run, "head.projection") for run in sweep.runs] == [8, ""]


def test_numpy_scalars_become_python_values():
    (run,) = make({"optim.learning_rate": np.float64(0.5), "seed": np.int64(1)}).runs
    assert run.overrides == {"optim.learning_rate": 0.5, "seed": 1}
    assert [type(value) for value in run.overrides.values()] == [float, int]


@pytest.mark.parametrize("kind", [tuple, list])
def test_numpy_scalars_in_tuples_and_lists_become_python_values(kind):
    widths = kind([np.int64(8), np.int64(16)])
    (run,) = make({"model.visual.widths": widths}).runs
    assert json.dumps(run.overrides) == '{"model.visual.widths": [8, 16]}'


@pytest.mark.parametrize(
    ("overrides", "fixed", "message"),
    [
        ([{"seed": 1}, {"learning_rate": 1.0}], {}, "unknown config field: {'learning_rate'}"),
        ([{"seed": 1}], {"seed": 3}, "seed is both swept and set by --config.seed=3"),
        ([{"seed": 1}, {"seed": 1}], {}, "run 1 repeats run 000_seed=1"),
        ([], {}, "the sweep has no runs"),
    ],
)
def test_an_invalid_sweep_is_refused(overrides, fixed, message):
    with pytest.raises(ValueError, match=message):
        make(*overrides, fixed=fixed)


def test_a_sweep_may_resume_and_grow_but_not_shrink(tmp_path: Path):
    plan.record(make({"seed": 1}), tmp_path)
    plan.record(make({"seed": 1}), tmp_path)
    plan.record(make({"seed": 1}, {"seed": 2}), tmp_path)
    with pytest.raises(ValueError, match=r"another sweep \(2 runs before, 1 now\)"):
        plan.record(make({"seed": 1}), tmp_path)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (make({"seed": 2}), "run 000_seed=1 before, 000_seed=2 now"),
        (make({"seed": 1}, fixed={"train.num_steps": 3}), "fixed: {} before"),
        (make({"seed": 1})._replace(config="configs/grid.py"), "config: 'configs/quickstart.py'"),
    ],
)
def test_a_workdir_of_another_sweep_is_refused_and_left_unchanged(tmp_path, other, difference):
    plan.record(make({"seed": 1}), tmp_path)
    before = (tmp_path / plan.FILE).read_text()
    with pytest.raises(ValueError, match=f"holds another sweep \\({difference}"):
        plan.record(other, tmp_path)
    assert (tmp_path / plan.FILE).read_text() == before


def test_a_section_cannot_be_swept_as_a_whole():
    with pytest.raises(ValueError, match=r"model\.head is a section.*model\.head\.name"):
        plan.make_sweep(
            [{"model.head": {"name": "cosine"}}],
            config="grid",
            fixed={},
            fields_with=lambda changes: changes,
        )
