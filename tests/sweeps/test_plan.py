from pathlib import Path

import numpy as np
import pytest

from avsync.config import default
from avsync.sweeps import plan
from tests.conftest import ROOT

VALUES = {"seed": 0, "optim": {"name": "adamw", "learning_rate": 2e-3}, "train": {"num_steps": 9}}


def make(*overrides: dict, fixed: dict | None = None, values: dict | None = None) -> plan.Sweep:
    return plan.make_sweep(
        overrides, config="configs/quickstart.py", fixed=fixed or {}, values=values or VALUES
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


def test_numpy_scalars_become_python_values():
    (run,) = make({"optim.learning_rate": np.float64(0.5), "seed": np.int64(1)}).runs
    assert run.overrides == {"optim.learning_rate": 0.5, "seed": 1}
    assert [type(value) for value in run.overrides.values()] == [float, int]


@pytest.mark.parametrize(
    ("overrides", "fixed", "message"),
    [
        (
            [{"optim.learning_rte": 1.0}],
            {},
            "no field 'optim.learning_rte'; .* optim.learning_rate",
        ),
        ([{"learning_rate": 1.0}], {}, "no field 'learning_rate'; .* optim.learning_rate"),
        ([{"optim": {}}], {}, "no field 'optim'"),
        ([{"seed": 1}], {"seed": 3}, "seed is both swept and set by --config.seed=3"),
        ([{"seed": "1"}], {}, "seed is of type int in the config, as in 0; the sweep sets '1'"),
        ([{"seed": True}], {}, "seed is of type int"),
        ([{"seed": 1}, {"seed": 1}], {}, "run 1 repeats run 000_seed=1"),
        ([], {}, "the sweep has no runs"),
    ],
)
def test_an_impossible_sweep_is_refused(overrides, fixed, message):
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


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("configs/sweeps/*.py")))
def test_the_shipped_sweeps_fit_the_config(name):
    overrides = plan.load_overrides(str(ROOT / "configs" / "sweeps" / name))
    sweep = make(*overrides, values=default().to_dict())
    assert len(sweep.runs) >= 3
    with pytest.raises(ValueError, match=name):
        plan.load_overrides(str(ROOT / "configs" / "sweeps" / f"{name}:wrong"))


def test_learning_rates_are_half_an_order_of_magnitude_apart():
    path = ROOT / "configs" / "sweeps" / "learning_rate.py"
    rates = [run["optim.learning_rate"] for run in plan.load_overrides(f"{path}:1e-4-1e-3")]
    assert rates == [1e-4, 3e-4, 1e-3]


def test_a_missing_sweep_file_names_the_nearest_one(tmp_path: Path):
    (tmp_path / "seeds.py").write_text("")
    with pytest.raises(
        ValueError, match=r"sweep not found: .*seed\.py; did you mean '.*seeds\.py'?"
    ):
        plan.load_overrides(str(tmp_path / "seed.py"))
    with pytest.raises(ValueError, match=r"seeds\.py does not define get_sweep\(arg\)"):
        plan.load_overrides(str(tmp_path / "seeds.py"))
