"""The work of a sweep: finding the runs that are left, executing them, reporting how they end."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from avsync.files import file_lock, remove_unfinished
from avsync.names import shown_text
from avsync.sweeps.commands import Evaluation, commands
from avsync.sweeps.plan import Run, Sweep
from avsync.sweeps.results import DONE, FAILED, PRUNED, Outcome, RunFiles, duration
from avsync.sweeps.runner import Task, last_lines, run_tasks

COMPILED = "JAX_COMPILATION_CACHE_DIR"


def pending(
    sweep: Sweep, root: Path, *, evaluation: Evaluation, only: int | None = None
) -> list[int]:
    """Return the indices of the runs that are not done, or not tested on `evaluation`.

    `only` restricts them to the run of that index; ValueError if there is no such run.
    """
    return [
        index
        for index in _indices(sweep, only)
        if not _outcome(sweep, root, index).is_finished(
            evaluation.describe(sweep, sweep.runs[index])
        )
    ]


def failure(sweep: Sweep, root: Path, *, only: int | None = None) -> str:
    """Return an error message if all runs, or run `only`, failed; "" otherwise."""
    indices = _indices(sweep, only)
    outcomes = [_outcome(sweep, root, index) for index in indices]
    if not outcomes or any(outcome.status != FAILED for outcome in outcomes):
        return ""
    if len(indices) == 1:
        return f"the run failed: {outcomes[0].reason}"
    return f"all {len(indices)} runs failed, the last one with: {outcomes[-1].reason}"


def require_test_split(sweep: Sweep, *, evaluation: Evaluation) -> None:
    """Raise ValueError if a test split does not exist.

    Otherwise the mistake would show only after the first training.
    """
    if not evaluation.split:
        return
    # Nothing else in a sweep needs TensorFlow, which takes seconds to import.
    from avsync.datasets.base import extracted_trims, open_source

    places = {
        (evaluation.dataset_of(sweep, run), sweep.value(run, "data.data_dir"))
        for run in sweep.runs or (Run("search", {}),)
    }
    for dataset, data_dir in places:
        name, _, config = dataset.partition("/")
        # Extracted features have one dataset per trimming rule; each of them has the split.
        trims = [] if config else extracted_trims(name, data_dir=data_dir)
        open_source("/".join([dataset, *trims[:1]]), evaluation.split, data_dir=data_dir)


def execute(
    sweep: Sweep,
    root: Path,
    *,
    evaluation: Evaluation,
    indices: Sequence[int],
    slots: list[Mapping[str, str]],
) -> None:
    """Train and test the runs of these indices with `run_tasks`; print how each ends.

    ValueError if another process is working on one of them.
    """
    tasks = [make_task(sweep, sweep.runs[index], root, evaluation=evaluation) for index in indices]
    num_done = len(sweep.runs) - len(tasks)
    if num_done and len(tasks) > 1:
        say(f"{num_done} of {len(sweep.runs)} runs are done")
    with contextlib.ExitStack() as stack:
        for task in tasks:
            stack.enter_context(file_lock(task.files.outcome.with_suffix(".lock")))
        execute_tasks(tasks, root=root, num_tasks=len(tasks), slots=slots)


def execute_tasks(
    tasks: Iterable[Task],
    *,
    root: Path,
    num_tasks: int,
    slots: list[Mapping[str, str]],
    reason_to_prune: Callable[[Task], str] = lambda task: "",
    on_end: Callable[[Task, Outcome], None] = lambda task, outcome: None,
) -> None:
    """Execute tasks with `run_tasks`; print how each ends, and call `on_end` with it.

    `num_tasks` is the number of tasks, which are taken one by one.
    """
    for folder in (root, root / "outcomes"):
        remove_unfinished(folder)
    # The runs share compiled programs, unless the user has set a cache.
    slots = [{COMPILED: os.environ.get(COMPILED, str(root / "compiled")), **slot} for slot in slots]
    ended = run_tasks(tasks, slots=slots, say=say, reason_to_prune=reason_to_prune)
    # Closing the generator terminates the runs that are left and lets them save.
    with contextlib.closing(ended):
        for num_ended, (task, outcome) in enumerate(ended, start=1):
            status = f"{outcome.status} after {duration(outcome.seconds)}"
            say(f"{task.name}: {status} ({num_ended} of {num_tasks})")
            if outcome.status == PRUNED:
                say(f"  {outcome.reason}")
            if outcome.status == FAILED:
                say(f"  {outcome.reason}; last lines of {task.files.log}:")
                say("\n".join(f"  | {line}" for line in last_lines(task.files.log)))
            on_end(task, outcome)


def make_task(sweep: Sweep, run: Run, root: Path, *, evaluation: Evaluation) -> Task:
    """Return the commands of a run that are left."""
    files = RunFiles.of(root, run)
    steps = commands(sweep, run, workdir=files.workdir, evaluation=evaluation)
    # A finished training that was tested on another set, or not at all, is only tested.
    left = steps[1:] if files.read_outcome().status == DONE else steps
    return Task(run.name, files, left, evaluation.describe(sweep, run))


def _outcome(sweep: Sweep, root: Path, index: int) -> Outcome:
    return RunFiles.of(root, sweep.runs[index]).read_outcome()


def _indices(sweep: Sweep, only: int | None) -> Sequence[int]:
    indices = range(len(sweep.runs))
    if only is None:
        return indices
    if only not in indices:
        raise ValueError(f"run {only} not found: the sweep has runs 0 to {indices[-1]}")
    return [only]


def say(line: str) -> None:
    """Print a line on stderr."""
    print(shown_text(line), file=sys.stderr, flush=True)
