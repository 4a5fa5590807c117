"""The outcome and the results of each run of a sweep, in the files of the sweep's folder.

ROOT/runs/NAME            workdir of the training, with evaluation/ inside
ROOT/logs/NAME.log        output of the run's commands
ROOT/outcomes/NAME.json   an `Outcome`
"""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avsync.files import atomic_write
from avsync.sweeps.commands import Evaluation
from avsync.sweeps.plan import Run, Sweep

NOT_BEGUN, RUNNING, DONE, FAILED = "not begun", "unfinished", "done", "failed"

# Ended early for its validation loss, see `avsync.sweeps.study`; its checkpoint stays.
PRUNED = "pruned"

# The model's own score, computed as its config says.
SCORE = "alignment"


class Outcome(NamedTuple):
    """The outcome of a run.

    status: "not begun", "unfinished", "done", "failed" or "pruned". "unfinished" runs either
      continue in another process or were killed; the file cannot tell which.
    seconds: wall time of all attempts; a killed attempt counts until its last log entry.
    began: start of the latest attempt, in seconds since the epoch.
    tested_on: test set of a finished run, as `Evaluation.describe` names it; "" if untested.
    reason: why the run failed or was pruned; "" otherwise.
    """

    status: str = NOT_BEGUN
    seconds: float = 0.0
    began: float = 0.0
    tested_on: str = ""
    reason: str = ""

    def is_finished(self, tested_on: str) -> bool:
        """Return whether the run is pruned, or done and tested on this set ("": no test)."""
        is_tested = tested_on in ("", self.tested_on)
        return self.status == PRUNED or (self.status == DONE and is_tested)


class RunFiles(NamedTuple):
    """The files of a run."""

    workdir: Path
    log: Path
    outcome: Path

    @classmethod
    def of(cls, root: Path, run: Run) -> "RunFiles":
        """Return the files of `run` in the sweep's folder `root`."""
        return cls(
            root / "runs" / run.name,
            root / "logs" / f"{run.name}.log",
            root / "outcomes" / f"{run.name}.json",
        )

    def read_outcome(self) -> Outcome:
        """Return the recorded outcome; a "not begun" one if none is recorded."""
        if not self.outcome.is_file():
            return Outcome()
        return Outcome(**json.loads(self.outcome.read_text(encoding="utf-8")))

    def begin(self) -> Outcome:
        """Record the start of an attempt, and return it with the time of earlier attempts."""
        previous = self.read_outcome()
        seconds = previous.seconds
        if previous.status == RUNNING and self.log.is_file():
            seconds += max(self.log.stat().st_mtime - previous.began, 0)
        for file in (self.log, self.outcome):
            file.parent.mkdir(parents=True, exist_ok=True)
        return self._write(Outcome(RUNNING, seconds, time.time()))

    def end(self, attempt: Outcome, *, tested_on: str = "", reason: str = "") -> Outcome:
        """Record the end of the attempt that `begin` returned: failed if there is a reason."""
        return self._end(attempt, FAILED if reason else DONE, tested_on, reason)

    def prune(self, attempt: Outcome, *, reason: str) -> Outcome:
        """Record that the attempt that `begin` returned was ended early."""
        return self._end(attempt, PRUNED, "", reason)

    def validation_losses(self) -> dict[int, float]:
        """Return the validation losses in nats so far, by the number of updates."""
        path, losses = self.workdir / "metrics.jsonl", {}
        for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            try:
                line: dict[str, Any] = json.loads(text)
            except json.JSONDecodeError:
                continue  # The last line of a running or killed training may be incomplete.
            if line["split"] == "val" and line["loss"] is not None:
                losses[line["step"]] = line["loss"]
        return losses

    def _end(self, attempt: Outcome, status: str, tested_on: str, reason: str) -> Outcome:
        seconds = attempt.seconds + time.time() - attempt.began
        return self._write(Outcome(status, seconds, attempt.began, tested_on, reason))

    def _write(self, outcome: Outcome) -> Outcome:
        atomic_write(self.outcome, json.dumps(outcome._asdict()) + "\n")
        return outcome


class Auc(NamedTuple):
    """AUC on the test clips with its 95% interval; very few clips give no interval."""

    value: float
    low: float | None
    high: float | None


class Result(NamedTuple):
    """A run as a row of the table.

    loss: smallest validation loss in nats, reached after `step` updates; None before the first
      validation.
    test: AUC by view; empty unless the run is done and tested.
    """

    run: Run
    outcome: Outcome
    loss: float | None
    step: int | None
    test: Mapping[str, Auc]


def read_results(sweep: Sweep, root: Path, *, evaluation: Evaluation) -> list[Result]:
    """Return all runs, finished ones first by increasing validation loss.

    Test results do not affect the order.
    """
    results = [
        _read_result(run, RunFiles.of(root, run), evaluation.describe(sweep, run))
        for run in sweep.runs
    ]
    return sorted(results, key=_rank)


def best(results: Iterable[Result]) -> Result | None:
    """Return the finished run with the smallest validation loss."""
    return min(filter(is_ranked, results), key=_rank, default=None)


def is_ranked(result: Result) -> bool:
    """Return whether the run takes part in the comparison: only finished runs do."""
    return result.outcome.status == DONE and result.loss is not None


def duration(seconds: float) -> str:
    """Return "48 s", "12 min" or "3.4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _read_result(run: Run, files: RunFiles, tested_on: str) -> Result:
    outcome = files.read_outcome()
    losses = files.validation_losses().items()
    step, loss = min(losses, key=lambda entry: entry[1], default=(None, None))
    is_tested = tested_on and outcome.status == DONE and outcome.is_finished(tested_on)
    test = _read_test(files.workdir / "evaluation" / "metrics.json") if is_tested else {}
    return Result(run, outcome, loss, step, test)


def _read_test(metrics: Path) -> dict[str, Auc]:
    views = json.loads(metrics.read_text(encoding="utf-8"))["views"]
    scores = {view: by_score[SCORE] for view, by_score in views.items()}
    return {
        view: Auc(score["auc"], score["auc_low"], score["auc_high"])
        for view, score in scores.items()
        if score["auc"] is not None
    }


def _rank(result: Result) -> tuple[bool, float]:
    return not is_ranked(result), float("inf") if result.loss is None else result.loss
