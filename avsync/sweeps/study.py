"""Runs that Optuna chooses, one after the other, from the validation losses of those before them.

ROOT/optuna.db, an SQLite file, holds the study: its trials are the runs, in the same order. It is
read again after a kill: a trial whose training was interrupted resumes in its own workdir, under
its own number. A failed run stays an open trial, and is tried again by the next call.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import sqlalchemy
from optuna.trial import FrozenTrial, Trial, TrialState

from avsync.files import file_lock
from avsync.sweeps import job, plan
from avsync.sweeps.commands import Evaluation
from avsync.sweeps.plan import Run, Sweep
from avsync.sweeps.results import DONE, PRUNED, Outcome, RunFiles
from avsync.sweeps.runner import Task
from avsync.sweeps.space import Choice, Overrides, Range, Space

FILE, LOCK, NAME = "optuna.db", "optuna.lock", "avsync"

# The first runs are drawn at random, and none of them is pruned: Optuna's default, or this share of
# the runs if that is less.
MAX_RANDOM, RANDOM_SHARE = 10, 0.25

# No run is pruned before this share of its updates: a low learning rate begins slowly.
UNPRUNED_SHARE = 0.25

# A search ends if Optuna proposes known values this many times in a row: all may be tried.
MAX_REPEATS = 50

NUM_STEPS = "train.num_steps"


def plan_search(
    space: Space,
    *,
    config: str,
    fixed: Overrides,
    fields_with: Callable[[Overrides], Mapping[str, Any]],
) -> Sweep:
    """Return the sweep before its first run; the arguments are those of `plan.make_sweep`.

    ValueError for a field or a value that the config does not allow, and for a field on which the
    meaning of the validation loss depends.
    """
    for field, draw in space.draws.items():
        if field in plan.LOSS_FIELDS:
            raise ValueError(
                f"{field} cannot be searched: validation losses of runs that differ in it are not "
                "comparable. Sweep a list of its values instead"
            )
        for value in _values(draw):
            # Of the other fields the first values: a plug-in may need one of them.
            first = {name: _values(other)[0] for name, other in space.draws.items()}
            fields_with(plan.checked({**first, field: value}, fixed=fixed))
    return Sweep(config, dict(fixed), fields_with({}), (), _described(space))


def open_storage(root: Path) -> optuna.storages.BaseStorage:
    """Optuna's storage of the study in `root`; between two uses, its file is closed."""
    # A pool would keep connections open until they are garbage: Python 3.13 warns of each.
    engine = {"poolclass": sqlalchemy.NullPool}
    url = f"sqlite:///{root.absolute() / FILE}"
    return optuna.storages.get_storage(optuna.storages.RDBStorage(url, engine_kwargs=engine))


class Study:
    """The study of a sweep.

    sweep: the sweep with the runs so far.
    """

    def __init__(self, sweep: Sweep, root: Path, space: Space, *, is_pruning: bool):
        """Open the study in `root`, or begin it; `sweep` is that of `plan_search`."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        root.mkdir(parents=True, exist_ok=True)
        self.sweep, self._root, self._space = sweep, root, space
        self._num_random = min(MAX_RANDOM, max(round(RANDOM_SHARE * space.num_runs), 1))
        self._storage = open_storage(root)
        self._study = optuna.create_study(
            storage=self._storage,
            study_name=NAME,
            direction="minimize",
            load_if_exists=True,
            pruner=self._pruner() if is_pruning else optuna.pruners.NopPruner(),
        )
        self._numbers: dict[str, int] = {}
        self._seen: dict[str, tuple[float, int]] = {}
        for trial in self._study.trials:
            # One that has not all its values was begun by a sweep that was killed.
            if trial.params.keys() == space.draws.keys():
                self._add_run(trial)

    def execute(self, *, evaluation: Evaluation, slots: list[Mapping[str, str]]) -> Sweep:
        """Train and test the runs that are left, then new ones; return the sweep with all of them.

        ValueError if another process is working on the study.
        """

        def tasks() -> Iterator[Task]:
            for index in left:
                yield task(self.sweep.runs[index])
            while run := self.ask():
                plan.record(self.sweep, self._root)
                yield task(run)

        def task(run: Run) -> Task:
            runs[run.name] = run
            return job.make_task(self.sweep, run, self._root, evaluation=evaluation)

        runs: dict[str, Run] = {}
        with file_lock(self._root / LOCK):
            self.reconcile()
            plan.record(self.sweep, self._root)
            left = job.pending(self.sweep, self._root, evaluation=evaluation)
            if num_done := len(self.sweep.runs) - len(left):
                job.say(f"{num_done} of {self._space.num_runs} runs are done")
            job.execute_tasks(
                tasks(),
                root=self._root,
                num_tasks=len(left) + self._num_left,
                slots=slots,
                reason_to_prune=lambda task: self.reason_to_prune(runs[task.name]),
                on_end=lambda task, outcome: self.note_end(runs[task.name], outcome),
            )
        return self.sweep

    def reconcile(self) -> None:
        """Finish what a killed sweep had begun: a choice of values, the record of an end."""
        self.sweep = self.sweep._replace(runs=())
        for trial in self._study.trials:
            if not self._complete(trial) and not trial.state.is_finished():
                self._study.tell(trial.number, state=TrialState.FAIL)
        for run in self.sweep.runs:
            self.note_end(run, RunFiles.of(self._root, run).read_outcome())

    def ask(self) -> Run | None:
        """Return a new run; None if there are enough, or Optuna has no new values."""
        for _ in range(MAX_REPEATS if self._num_left else 0):
            number = len(self._study.trials)
            self._study.sampler = self._sampler(number)
            self._study.ask()
            if run := self._complete(self._study.trials[number]):
                return run
            self._study.tell(number, state=TrialState.FAIL)
        if self._num_left:
            job.say(f"the search ends: Optuna proposed {MAX_REPEATS} known runs in a row")
        return None

    def reason_to_prune(self, run: Run) -> str:
        """Return why `run` is to be ended early; "" if it is not.

        Reads what its training has written since the last call.
        """
        files = RunFiles.of(self._root, run)
        metrics = files.workdir / "metrics.jsonl"
        seen = (metrics.stat().st_mtime, metrics.stat().st_size) if metrics.is_file() else (0.0, 0)
        if seen == self._seen.get(run.name, (0.0, 0)):
            return ""
        self._seen[run.name] = seen
        trial, losses = self._trial(self._numbers[run.name]), files.validation_losses()
        _report(trial, losses, known=self._study.trials[trial.number].intermediate_values)
        step, num_steps = max(losses, default=0), self.sweep.value(run, NUM_STEPS)
        if not losses or step >= num_steps or not trial.should_prune():
            return ""
        return (
            f"best validation loss {min(losses.values()):.4f} until update {step} of {num_steps}, "
            "above the median of the other runs at that update"
        )

    def note_end(self, run: Run, outcome: Outcome) -> None:
        """Record how a run ended, with its best validation loss, unless it is to be continued."""
        number = self._numbers[run.name]
        before = self._study.trials[number]
        losses = RunFiles.of(self._root, run).validation_losses()
        if outcome.status not in (DONE, PRUNED) or before.state.is_finished() or not losses:
            return
        _report(self._trial(number), losses, known=before.intermediate_values)
        if outcome.status == PRUNED:
            self._study.tell(number, state=TrialState.PRUNED)
        else:
            self._study.tell(number, min(losses.values()))

    @property
    def _num_left(self) -> int:
        """The number of runs that are still to be asked for."""
        return max(self._space.num_runs - len(self.sweep.runs), 0)

    def _complete(self, trial: FrozenTrial) -> Run | None:
        """Choose the values that a trial has not, and add its run, see `_add_run`."""
        if trial.params.keys() != self._space.draws.keys():
            self._study.sampler = self._sampler(trial.number)
            for field, draw in self._space.draws.items():
                _suggest(self._trial(trial.number), field, draw)
        return self._add_run(self._study.trials[trial.number])

    def _add_run(self, trial: FrozenTrial) -> Run | None:
        """Add the run of a trial to the sweep; None if an earlier one has the same values."""
        overrides = {
            field: _override(draw, trial.params[field]) for field, draw in self._space.draws.items()
        }
        if any(run.overrides == overrides for run in self.sweep.runs):
            return None
        run = Run(plan.name_of(len(self.sweep.runs), overrides), overrides)
        self.sweep = self.sweep._replace(runs=(*self.sweep.runs, run))
        self._numbers[run.name] = trial.number
        return run

    def _trial(self, number: int) -> Trial:
        """Return the open trial of this number, as `ask` returned it, perhaps before a kill."""
        study_id = self._storage.get_study_id_from_name(NAME)
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        return Trial(self._study, trial_id)

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        # A seed for each trial: with a single one, a resumed study would repeat its first draws.
        seed = np.random.SeedSequence([self._space.seed, number]).generate_state(1)[0]
        return optuna.samplers.TPESampler(
            n_startup_trials=self._num_random, seed=int(seed), constant_liar=True
        )

    def _pruner(self) -> optuna.pruners.BasePruner:
        num_steps = self.sweep.fields.get(NUM_STEPS, 0)
        return optuna.pruners.MedianPruner(
            n_startup_trials=self._num_random, n_warmup_steps=round(UNPRUNED_SHARE * num_steps)
        )


def _values(draw: Range | Choice) -> tuple[Any, ...]:
    """Return the values that a config must allow: the options, or the ends of the range."""
    return draw.options if isinstance(draw, Choice) else (draw.low, draw.high)


def _described(space: Space) -> dict[str, Any]:
    """Return the space as sweep.json has it."""
    return {
        field: {"options": [*map(repr, draw.options)]}
        if isinstance(draw, Choice)
        else draw._asdict()
        for field, draw in space.draws.items()
    }


def _suggest(trial: Trial, field: str, draw: Range | Choice) -> None:
    """Let Optuna choose the value of a field; a value that is chosen stays."""
    if isinstance(draw, Choice):
        # By their text: Optuna keeps no tuples.
        trial.suggest_categorical(field, [*map(repr, draw.options)])
    elif draw.is_whole:
        trial.suggest_int(field, int(draw.low), int(draw.high))
    else:
        trial.suggest_float(field, draw.low, draw.high, log=draw.is_log)


def _override(draw: Range | Choice, value: Any) -> Any:
    """Return the value of the config field for a value that Optuna chose."""
    if isinstance(draw, Choice):
        return next(option for option in draw.options if repr(option) == value)
    return draw.rounded(value)


def _report(trial: Trial, losses: Mapping[int, float], *, known: Mapping[int, float]) -> None:
    """Tell Optuna the validation losses that it does not know."""
    for step, loss in losses.items():
        if step not in known:
            trial.report(loss, step)
