"""The commands of a run: what a user would type to train and to evaluate it."""

import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

from avsync.sweeps.plan import Run, Sweep
from avsync.sweeps.space import Overrides


class Command(NamedTuple):
    """A binary of avsync, "train", with its arguments."""

    binary: str
    arguments: tuple[str, ...]

    @property
    def text(self) -> str:
        """To be typed or pasted into a shell."""
        return shlex.join([f"avsync-{self.binary}", *self.arguments])

    @property
    def argv(self) -> list[str]:
        """To be run: by this Python, whatever is on the PATH."""
        return [sys.executable, "-m", f"avsync.bin.{self.binary}", *self.arguments]


class Evaluation(NamedTuple):
    """What runs are tested on.

    dataset: "NAME" or "NAME/CONFIG"; None: that which each was trained on.
    split: "" if there is none to test on.
    """

    dataset: str | None
    split: str

    def dataset_of(self, sweep: Sweep, run: Run) -> str:
        """What a run is tested on."""
        return self.dataset or sweep.value(run, "data.dataset")

    def of(self, sweep: Sweep, run: Run) -> str:
        """ "grid, test_planted split"; "" if it is not tested."""
        return f"{self.dataset_of(sweep, run)}, {self.split} split" if self.split else ""


def commands(
    sweep: Sweep, run: Run, *, workdir: Path, evaluation: Evaluation
) -> tuple[Command, ...]:
    """The training of a run, and its test if there is one, to be run one after the other."""
    changes = _changes({**sweep.fixed, **run.overrides})
    train = Command("train", (f"--config={sweep.config}", f"--workdir={workdir}", *changes))
    if not evaluation.split:
        return (train,)
    evaluate = (
        f"--checkpoint={workdir}",
        f"--dataset={evaluation.dataset_of(sweep, run)}",
        f"--split={evaluation.split}",
        f"--data_dir={sweep.value(run, 'data.data_dir')}",
        f"--out={workdir / 'evaluation'}",
    )
    return train, Command("evaluate", evaluate)


def task_command(
    sweep: Sweep, sweep_file: str, *, workdir: Path, evaluation: Evaluation
) -> Command:
    """The sweep itself, read from `sweep_file`; with --only=INDEX, one of its runs."""
    where = (f"--config={sweep.config}", f"--sweep={sweep_file}", f"--workdir={workdir}")
    test = (f"--split={evaluation.split}",)
    test += (f"--dataset={evaluation.dataset}",) if evaluation.dataset else ()
    return Command("sweep", (*where, *test, *_changes(sweep.fixed)))


def _changes(overrides: Overrides) -> tuple[str, ...]:
    return tuple(f"--config.{field}={_typed(value)}" for field, value in overrides.items())


def _typed(value: Any) -> str:
    # Flags read true and false; all else as Python writes it.
    return str(value).lower() if isinstance(value, bool) else str(value)
