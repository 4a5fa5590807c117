import csv
import io

import numpy as np
import pytest

from avsync.reports import drawing
from avsync.reports.sweep import picture, table
from avsync.sweeps import plan
from avsync.sweeps.results import DONE, FAILED, PRUNED, Auc, Outcome, Result, best, duration

FIELDS = {"seed": 0, "model.reach_frames": 15, "optim.learning_rate": 2e-3}


def make(*overrides: dict) -> plan.Sweep:
    return plan.make_sweep(
        overrides,
        config="configs/grid.py",
        fixed={},
        fields_with=lambda changes: {**FIELDS, **changes},
    )


def done(run: plan.Run, loss: float, auc: float) -> Result:
    outcome = Outcome(DONE, seconds=61.0, began=1.0, tested_on="grid, test split")
    return Result(run, outcome, loss, 200, {"trimmed": Auc(auc, auc - 0.1, auc + 0.05)})


@pytest.fixture
def sweep() -> plan.Sweep:
    return make({"optim.learning_rate": 1e-3}, {"optim.learning_rate": 1.0})


@pytest.fixture
def results(sweep) -> list[Result]:
    failed = Outcome(FAILED, seconds=3.0, began=1.0, reason="train: the loss | is nan")
    return [done(sweep.runs[0], 1.25, 0.9), Result(sweep.runs[1], failed, None, None, {})]


def test_the_csv_has_one_line_per_run_with_every_number(sweep, results):
    first, second = csv.DictReader(io.StringIO(table.to_csv(sweep, results)))
    assert first["optim.learning_rate"] == "0.001"
    assert (first["val_loss"], first["val_step"], first["seconds"]) == ("1.25", "200", "61.0")
    assert [float(first[f"test_trimmed_auc{end}"]) for end in ("", "_low", "_high")] == [
        pytest.approx(value) for value in (0.9, 0.8, 0.95)
    ]
    assert first["test_original_auc"] == second["val_loss"] == ""
    assert second["reason"] == "train: the loss | is nan"


def test_the_page_names_the_best_and_the_failed_run_and_how_to_choose(sweep, results):
    page = table.to_markdown(sweep, results, tested_on="grid, test split")
    assert "1 of 2 runs done, 1 failed. Test: grid, test split." in page
    assert "Best by validation: `runs/000_learning_rate=0.001`, 1.2500 nats." in page
    assert (
        "| 000_learning_rate=0.001 | 0.001 | 1.2500 | 200 | 0.900 [0.800, 0.950] | 61 s | done |"
        in page
    )
    assert "- `001_learning_rate=1.0`: train: the loss | is nan" in page
    assert page.count(table.SELECTION) == page.count(table.TEST_SELECTION) == 1


def test_a_pruned_run_is_shown_as_such_and_is_never_the_best(sweep):
    outcome = Outcome(PRUNED, seconds=30.0, began=1.0, reason="above the median at update 50")
    pruned = Result(sweep.runs[1], outcome, 1.0, 50, {})
    results = [done(sweep.runs[0], 1.25, 0.9), pruned]
    page = table.to_markdown(sweep, results, tested_on="")
    assert "1 of 2 runs done, 0 failed, 1 pruned: ended early" in page
    assert "| 001_learning_rate=1.0 | 1.0 | 1.0000 | 50 |  | 30 s | pruned |" in page
    assert best(results) == results[0]
    _, row = csv.DictReader(io.StringIO(table.to_csv(sweep, results)))
    assert (row["status"], row["reason"]) == ("pruned", "above the median at update 50")


def test_the_best_run_is_chosen_by_validation_loss_alone(sweep):
    results = [done(sweep.runs[0], 1.25, 0.6), done(sweep.runs[1], 1.3, 0.99)]
    chosen = best(results)
    assert chosen is not None and chosen.run.name == "000_learning_rate=0.001"
    assert best([]) is None


def test_runs_whose_losses_are_not_comparable_get_a_warning(sweep):
    assert table.comparison_warning(sweep) == ""
    other = make({"model.reach_frames": 5}, {"model.reach_frames": 10})
    assert "differ in model.reach_frames" in table.comparison_warning(other)


def test_runs_with_several_seeds_are_summarised_by_setting():
    sweep = make(
        *[{"optim.learning_rate": rate, "seed": seed} for rate in (0.1, 0.2) for seed in (0, 1)]
    )
    losses, aucs = (1.0, 1.2, 0.8, 0.8), (0.7, 0.9, 0.8, 0.8)
    results = [done(*values) for values in zip(sweep.runs, losses, aucs, strict=True)]
    page = table.to_markdown(sweep, results, tested_on="")
    # The standard deviation of two numbers is their distance divided by the square root of 2.
    assert "| 0.2 | 2 | 0.8000 ± 0.0000 | 0.800 ± 0.000 |\n" in page
    assert "| 0.1 | 2 | 1.1000 ± 0.1414 | 0.800 ± 0.141 |" in page
    assert page.index("| 0.2 | 2 |") < page.index("| 0.1 | 2 |")


def test_a_sweep_of_one_seed_has_no_summary_over_seeds(sweep, results):
    assert table.rows_over_seeds(sweep, results, views=table.VIEWS) == []


def test_durations_have_a_suitable_unit():
    assert [duration(s) for s in (48.0, 720.0, 12240.0)] == ["48 s", "12 min", "3.4 h"]


@pytest.mark.parametrize("num_runs", [1, 4, 200])
def test_the_figure_has_one_panel_per_field_and_one_for_the_test(num_runs):
    sweep = make(*[{"optim.learning_rate": 1e-4 * (i + 1), "seed": i} for i in range(num_runs)])
    results = [done(run, 1 + 0.01 * i, 0.9 - i / 1000) for i, run in enumerate(sweep.runs)]
    figure = picture.draw(sweep, results)
    shown = [axes.get_xlabel() for axes in figure.axes if axes.axison]
    fields = ["optim.learning_rate", "seed"] if num_runs > 1 else []
    assert shown == [*fields, "validation loss (nats)"]
    if num_runs == 200:  # 1e-4 to 2e-2
        assert figure.axes[0].get_xscale() == "log"


def test_a_diverged_run_does_not_stretch_the_loss_axis(sweep):
    runs = make(*[{"seed": i} for i in range(5)]).runs
    losses = [1.0, 1.1, 1.2, 1.3, 80.0]
    results = [done(run, loss, 0.9) for run, loss in zip(runs, losses, strict=True)]
    figure = picture.draw(make(*[{"seed": i} for i in range(5)]), results)
    low, high = figure.axes[0].get_ylim()
    assert low < 1.0 and 1.3 < high < 5


def test_a_sweep_without_finished_runs_can_be_drawn(sweep, results):
    picture_bytes = drawing.to_png(picture.draw(sweep, results[1:]))
    assert picture_bytes.startswith(b"\x89PNG")
    assert np.all([not axes.axison for axes in picture.draw(sweep, results[1:]).axes])
