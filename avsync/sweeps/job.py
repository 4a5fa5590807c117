"""A sweep from its plan to its table: what is left to do, doing it, and saying how it goes."""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from avsync.files import file_lock
from avsync.sweeps.commands import Evaluation, commands
from avsync.sweeps.outcomes import DONE, FAILED, Outcome, Places, duration
from avsync.sweeps.plan import Run, Sweep
from avsync.sweeps.runner import Task, last_lines, run_tasks

COMPILED = "JAX_COMPILATION_CACHE_DIR"


def pending(
    sweep: Sweep, root: Path, *, evaluation: Evaluation, only: int | None = None
) -> list[int]:
    """The numbers of the runs that are not done, or not tested on what they are to be.

    Of all runs, or of number `only`; ValueError if there is none of that number.
    """
    return [
        index
        for index in _numbers(sweep, only)
        if not _outcome(sweep, root, index).is_finished(evaluation.of(sweep, sweep.runs[index]))
    ]


def failure(sweep: Sweep, root: Path, *, only: int | None = None) -> str:
    """What to say if all runs, or number `only`, failed; "" if one did not."""
    numbers = _numbers(sweep, only)
    outcomes = [_outcome(sweep, root, index) for index in numbers]
    if any(outcome.status != FAILED for outcome in outcomes):
        return ""
    which = "the run" if len(numbers) == 1 else f"each of {len(numbers)} runs"
    return f"{which} failed, the last one: {outcomes[-1].reason}"


def require_test(sweep: Sweep, *, evaluation: Evaluation) -> None:
    """ValueError if a split that runs are to be tested on is not there.

    Else that would be found out once the first training is over.
    """
    if not evaluation.split:
        return
    # Of all that a sweep does, this alone needs TensorFlow, which takes seconds to import.
    from avsync.datasets.base import extracted_trims, open_source

    places = {
        (evaluation.dataset_of(sweep, run), sweep.value(run, "data.data_dir")) for run in sweep.runs
    }
    for dataset, data_dir in places:
        name, _, config = dataset.partition("/")
        # Of features there is a dataset for each way of trimming.
        trims = [] if config else extracted_trims(name, data_dir=data_dir)
        open_source("/".join([dataset, *trims[:1]]), evaluation.split, data_dir=data_dir)


def do(
    sweep: Sweep,
    root: Path,
    *,
    evaluation: Evaluation,
    indices: Sequence[int],
    slots: list[Mapping[str, str]],
) -> None:
    """Trains and tests the runs of these numbers, as `run_tasks` does; says how each ends.

    ValueError if another process is at one of them.
    """
    tasks = [_task(sweep, sweep.runs[index], root, evaluation=evaluation) for index in indices]
    num_done = len(sweep.runs) - len(tasks)
    if num_done and len(tasks) > 1:
        _say(f"{num_done} of {len(sweep.runs)} runs are done")
    # What one of the runs has compiled, the others need not, unless the user keeps it elsewhere.
    slots = [{COMPILED: os.environ.get(COMPILED, str(root / "compiled")), **slot} for slot in slots]
    with contextlib.ExitStack() as stack:
        for task in tasks:
            stack.enter_context(file_lock(task.places.outcome.with_suffix(".lock")))
        # Closed whatever happens: that ends the runs, and lets them save.
        ended = stack.enter_context(contextlib.closing(run_tasks(tasks, slots=slots, say=_say)))
        for num_ended, (task, outcome) in enumerate(ended, start=1):
            words = f"{outcome.status} after {duration(outcome.seconds)}"
            _say(f"{task.name}: {words}, {num_ended} of {len(tasks)}")
            if outcome.status == FAILED:
                _say(f"  {outcome.reason}; the end of {task.places.log}:")
                _say("\n".join(f"  | {line}" for line in last_lines(task.places.log)))


def _task(sweep: Sweep, run: Run, root: Path, *, evaluation: Evaluation) -> Task:
    places = Places.of(root, run)
    steps = commands(sweep, run, workdir=places.workdir, evaluation=evaluation)
    # Of a run that was tested on something else, or on nothing, the training need not start again.
    left = steps[1:] if places.read().status == DONE else steps
    return Task(run.name, places, left, evaluation.of(sweep, run))


def _outcome(sweep: Sweep, root: Path, index: int) -> Outcome:
    return Places.of(root, sweep.runs[index]).read()


def _numbers(sweep: Sweep, only: int | None) -> Sequence[int]:
    numbers = range(len(sweep.runs))
    if only is None:
        return numbers
    if only not in numbers:
        raise ValueError(f"there is no run {only}; the sweep has the runs 0 to {numbers[-1]}")
    return [only]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
