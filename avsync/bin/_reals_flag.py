"""--reals of avsync-score: real videos on which the scorer is calibrated before it scores."""

import os
from pathlib import Path
from typing import Any

from absl import flags

from avsync import pretrained
from avsync.bin import _metric_flag
from avsync.bin.base import WRONG_USAGE, UsageError, existing
from avsync.processes import default_workers
from avsync.sweeps.commands import Command
from avsync.types import PROCESSES

REALS = flags.DEFINE_string(
    "reals",
    None,
    "Folder or manifest of real videos, like those to score: the scorer is calibrated on them, in "
    "OUT/reals, which is used again while they and the scorer are the same.",
)

GROUP = flags.DEFINE_string(
    "group",
    None,
    "Compares the files with the real videos of this group alone (column group of their manifest) "
    "if it has at least 30 of them; otherwise with all of them, as the records then say.",
)

FOLDER = "reals"


def group() -> dict[str, str]:
    """The option of `load_scorer`, and the setting, for --group; nothing without it."""
    return {} if GROUP.value is None else {"group": GROUP.value}


def calibrated(
    checkpoint: str | None, parts: dict[str, Any], *, out_dir: Path, detector: str
) -> tuple[str | None, dict[str, Any]]:
    """The checkpoint and the parts to score by: as given, or those of a copy that is calibrated.

    UsageError for wrong flags, ValueError if the videos do not allow a calibration.
    """
    if REALS.value is None:
        return checkpoint, parts
    if _metric_flag.METRIC.value == _metric_flag.LSE:
        raise UsageError("--reals calibrates the alignment score: leave out --metric=lse")
    if os.environ.get(PROCESSES, "") not in ("", "1"):
        raise UsageError(
            "--reals calibrates in one process: do it once with avsync-adapt --calibrate_only, and "
            "give its start/ as --checkpoint"
        )
    # A TensorFlow dataset is made of the videos, and scoring a file needs no TensorFlow.
    from avsync.adaptation.stages import run_command

    source = existing(REALS.value, "folder or manifest of real videos")
    arguments = [
        str(source.absolute()),
        "--calibrate_only",
        f"--out={out_dir / FOLDER}",
        f"--checkpoint={checkpoint or pretrained.GRID}",
        f"--detector={detector}",
        f"--workers={default_workers()}",
        *([f"--weights={parts['encoder']}"] if parts["encoder"] else []),
        *([f"--dtype={parts['dtype']}"] if parts["dtype"] else []),
    ]
    status = run_command(Command("adapt", tuple(arguments)))
    if status:
        reason = f"--reals: the calibration ended with status {status}, for the reason above"
        raise UsageError(reason) if status == WRONG_USAGE else ValueError(reason)
    return str(out_dir / FOLDER / "start"), {**parts, "encoder": None}
