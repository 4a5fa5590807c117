"""The commands of a run, as a user would type them: train, then evaluate."""

import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

from avsync.sweeps.plan import Run, Sweep
from avsync.sweeps.space import Overrides


class Command(NamedTuple):
    """A command of avsync, such as "train", with its arguments."""

    binary: str
    arguments: tuple[str, ...]

    @property
    def text(self) -> str:
        """The command line for a shell."""
        return shlex.join([f"avsync-{self.binary}", *self.arguments])

    @property
    def argv(self) -> list[str]:
        """The arguments that start the command with this Python, whatever is on the PATH."""
        return [sys.executable, "-m", f"avsync.bin.{self.binary}", *self.arguments]


class Evaluation(NamedTuple):
    """The test set of the runs.

    dataset: "NAME" or "NAME/CONFIG"; None tests each run on the dataset that it was trained on.
    split: name of the split; "" runs no test.
    """

    dataset: str | None
    split: str

    def dataset_of(self, sweep: Sweep, run: Run) -> str:
        """Return the dataset that `run` is tested on; ValueError if it trains on several."""
        dataset = self.dataset or sweep.value(run, "data.dataset")
        if not dataset:
            raise ValueError(
                f"run {run.name} trains on {', '.join(sweep.value(run, 'data.mixture'))}: give the "
                "dataset to test it on with --dataset"
            )
        return dataset

    def describe(self, sweep: Sweep, run: Run) -> str:
        """Return the test set of `run`, "grid, test_planted split"; "" without a test."""
        return f"{self.dataset_of(sweep, run)}, {self.split} split" if self.split else ""


def commands(
    sweep: Sweep, run: Run, *, workdir: Path, evaluation: Evaluation
) -> tuple[Command, ...]:
    """Return the commands of a run in their order: the training and, with a test set, its test."""
    changes = config_flags({**sweep.fixed, **run.overrides})
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


def array_task_command(
    sweep: Sweep, sweep_file: str, *, workdir: Path, evaluation: Evaluation
) -> Command:
    """Return the command of the sweep in `sweep_file`; --only=INDEX makes it that of one run."""
    where = (f"--config={sweep.config}", f"--sweep={sweep_file}", f"--workdir={workdir}")
    test = (f"--split={evaluation.split}",)
    test += (f"--dataset={evaluation.dataset}",) if evaluation.dataset else ()
    return Command("sweep", (*where, *test, *config_flags(sweep.fixed)))


def config_flags(overrides: Overrides) -> tuple[str, ...]:
    """Return the flags that make these changes to a config, by dotted field name."""
    return tuple(f"--config.{field}={_flag_value(value)}" for field, value in overrides.items())


def _flag_value(value: Any) -> str:
    # Flags read true and false in lower case, everything else as Python writes it.
    return str(value).lower() if isinstance(value, bool) else str(value)
