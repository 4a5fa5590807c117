"""--metric of avsync-score: the scorer that it names, and the report of its results."""

from collections.abc import Callable, Sequence
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


def load_scorer(checkpoint: str | None, parts: dict[str, Any], **options: Any) -> Any:
    """The scorer of --metric; `parts` are those of `_model_flags`.

    UsageError if the checkpoint or the parts are not of this metric.
    """
    if parts["encoder"] and checkpoint is None:
        raise UsageError(
            "--weights needs --checkpoint, a head that was trained on its features; the shipped "
            "scorer has encoders of its own"
        )
    given = [f"--{flag}" for flag in ("weights", "dtype", "group") if flags.FLAGS[flag].value]
    if METRIC.value == LSE and given:
        raise UsageError(
            f"--metric=lse takes no {' and no '.join(given)}: SyncNet is one checkpoint"
        )
    try:
        if METRIC.value == LSE:
            return avsync.load_lse_scorer(checkpoint, **options)
        weights, dtype = parts["encoder"], parts["dtype"]
        return avsync.load_scorer(checkpoint, weights=weights, dtype=dtype, **options)
    except ValueError as error:
        raise UsageError(str(error)) from error


def outputs() -> Sequence[Callable[[Path], Any]]:
    """The reports that --metric adds, as functions of the folder of results."""
    if METRIC.value != LSE:
        return []
    from avsync.reports.video.lse_report import LseReport

    return [LseReport]
