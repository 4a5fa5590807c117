"""What came out of each run, read from the files that it left."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avsync.sweeps.commands import Evaluation
from avsync.sweeps.outcomes import DONE, Outcome, Places
from avsync.sweeps.plan import Run, Sweep

# The model's own score, by the rules of its config.
SCORE = "alignment"


class Auc(NamedTuple):
    """On the clips of a test; with its 95 % interval, which very few clips do not have."""

    value: float
    low: float | None
    high: float | None


class Result(NamedTuple):
    """A run as the table shows it.

    loss: the smallest validation loss, in nats, after `step` updates; None before the first
      validation.
    test: by view, of a run that is done.
    """

    run: Run
    outcome: Outcome
    loss: float | None
    step: int | None
    test: Mapping[str, Auc]


def read_results(sweep: Sweep, root: Path, *, evaluation: Evaluation) -> list[Result]:
    """All runs, the smallest validation loss of those that are done first; the others after them.

    Test numbers have no say in the order.
    """
    results = [_read(run, Places.of(root, run), evaluation.of(sweep, run)) for run in sweep.runs]
    return sorted(results, key=_rank)


def best(results: Iterable[Result]) -> Result | None:
    """The run that is done with the smallest validation loss."""
    done = [result for result in results if is_ranked(result)]
    return min(done, key=_rank, default=None)


def is_ranked(result: Result) -> bool:
    """Whether it takes part in the comparison: only runs that went to their end do."""
    return result.outcome.status == DONE and result.loss is not None


def _read(run: Run, places: Places, tested_on: str) -> Result:
    outcome = places.read()
    validations = list(_validations(places.workdir / "metrics.jsonl"))
    step, loss = min(validations, key=lambda found: found[1], default=(None, None))
    is_tested = tested_on and outcome.is_finished(tested_on)
    test = _read_test(places.workdir / "evaluation" / "metrics.json") if is_tested else {}
    return Result(run, outcome, loss, step, test)


def _validations(path: Path) -> Iterable[tuple[int, float]]:
    for text in path.read_text().splitlines() if path.is_file() else ():
        try:
            line: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError:
            continue  # of a run that is being written to, or was killed
        if line["split"] == "val" and line["loss"] is not None:
            yield line["step"], line["loss"]


def _read_test(path: Path) -> dict[str, Auc]:
    views = json.loads(path.read_text())["views"]
    found = {view: scores[SCORE] for view, scores in views.items()}
    return {
        view: Auc(score["auc"], score["auc_low"], score["auc_high"])
        for view, score in found.items()
        if score["auc"] is not None
    }


def _rank(result: Result) -> tuple[bool, float]:
    return not is_ranked(result), float("inf") if result.loss is None else result.loss
