"""--sweep and --sampler of avsync-sweep: the runs of the file, or those that Optuna chooses."""

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from avsync.bin import _config_flag
from avsync.bin.base import UsageError
from avsync.config import files
from avsync.sweeps.plan import Sweep, make_sweep
from avsync.sweeps.space import Overrides, Space

if TYPE_CHECKING:
    from avsync.sweeps.study import Study

SWEEP = flags.DEFINE_string(
    "sweep",
    None,
    f"""\
The runs: NAME[:ARG], or any file, PATH.py[:ARG]. Known sweeps:
{textwrap.indent(files.summary(files.SWEEP), "  ")}""",
    required=True,
)
SAMPLER = flags.DEFINE_enum(
    "sampler",
    "random",
    ["random", "optuna"],
    "How values are taken from the ranges of a search: at random, or by Optuna (TPE), from the "
    "validation losses of the runs before.",
)
PRUNER = flags.DEFINE_enum(
    "pruner",
    "median",
    ["median", "none"],
    "With --sampler=optuna: end runs early whose validation loss is above the median, or none.",
)


def plan_sweep(
    chosen: _config_flag.Chosen, root: Path, *, needs_list: str
) -> "tuple[Sweep, Study | None]":
    """The sweep, and with --sampler=optuna its study in `root`.

    `needs_list` is a flag that works with a list of runs only; "" if none is given.
    """
    runs = _read(SWEEP.value)
    config, fixed, fields_with = chosen.argument, chosen.changes, chosen.fields_with
    if SAMPLER.value == "random":
        runs = runs.sampled() if isinstance(runs, Space) else runs
        return make_sweep(runs, config=config, fixed=fixed, fields_with=fields_with), None
    if not isinstance(runs, Space):
        raise UsageError(
            f"--sweep={SWEEP.value} lists its runs; --sampler=optuna needs ranges: return "
            "search({FIELD: RANGE, ...}, num_runs=N), as in configs/sweeps/random_search.py"
        )
    if needs_list:
        raise UsageError(
            f"--sampler=optuna chooses each run from the results of those before, in one process; "
            f"{needs_list} needs a list of runs. On a cluster, start the command in one job"
        )
    try:
        from avsync.sweeps import study
    except ImportError as error:
        raise UsageError(f"{error}: for --sampler=optuna, pip install 'avsync[optuna]'") from error
    sweep = study.plan_search(runs, config=config, fixed=fixed, fields_with=fields_with)
    opened = study.Study(sweep, root, runs, is_pruning=PRUNER.value == "median")
    return opened.sweep, opened


def _read(argument: str) -> "Iterable[Overrides] | Space":
    try:
        runs = files.run(files.SWEEP, argument)
        if not isinstance(runs, Iterable):
            raise ValueError(f"--sweep={argument}: get_sweep returned {runs!r}, not a list of runs")
        return runs if isinstance(runs, Space) else list(runs)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
