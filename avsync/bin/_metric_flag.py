"""--metric of avsync-score: the scorer that it names, and the report of its results."""

import contextlib
from pathlib import Path
from typing import Any

from absl import flags

import avsync
from avsync.bin.base import UsageError

LSE = "lse"

METRIC = flags.DEFINE_enum(
    "metric",
    "alignment",
    ["alignment", LSE],
    "lse adds LSE-D, LSE-C and the offset by SyncNet: --checkpoint is then SyncNet (from "
    "avsync-convert syncnet), and the scores beside them are those of the shipped scorer.",
)


def load_scorer(checkpoint: str | None, *, parts: dict[str, Any], **options: Any) -> Any:
    """The scorer of --metric; `parts` are those of `_model_flags`.

    ValueError if the checkpoint or the parts are not of this metric.
    """
    if parts["encoder"] and checkpoint is None:
        raise UsageError(
            "--weights needs --checkpoint, a head that was trained on its features; the shipped "
            "scorer has encoders of its own"
        )
    if METRIC.value != LSE:
        weights, dtype = parts["encoder"], parts["dtype"]
        return avsync.load_scorer(checkpoint, weights=weights, dtype=dtype, **options)
    if given := [f"--{flag}" for flag in ("weights", "dtype") if flags.FLAGS[flag].value]:
        raise UsageError(
            f"--metric=lse takes no {' and no '.join(given)}: SyncNet is one checkpoint"
        )
    return avsync.load_lse_scorer(checkpoint, **options)


def score_files(paths: list[Path], scorer: Any, *, out_dir: Path, notes: list[str]) -> Any:
    """The report of the files by --metric, complete in `out_dir`; `notes` are printed first."""
    from avsync.scoring.video import job

    report = _make_report(out_dir, scorer)
    with contextlib.closing(report):
        job.score_files(paths, scorer, add=report.add, notes=notes)
    return report


def _make_report(out_dir: Path, scorer: Any) -> Any:
    """The report of the results of --metric."""
    if METRIC.value == LSE:
        from avsync.reports.video.lse_report import LseReport

        return LseReport(out_dir, scorer.reference)
    from avsync.reports.video.report import Report

    return Report(out_dir, scorer.reference)
