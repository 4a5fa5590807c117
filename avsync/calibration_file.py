"""The calibration beside a checkpoint: its fields, and what each may be.

workdir/calibration/STEP.json holds the scores of a checkpoint on real clips that it was not trained
on, and how they were made. Thresholds and p-values follow from it, so a damaged one must not be
used: each field is checked when the file is read.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avsync import lookup, scoring
from avsync.evaluation.lines import TRIMS
from avsync.files import atomic_write
from avsync.json_file import read_object
from avsync.names import shown_text

CALIBRATION = "calibration"

MAX_BYTES = 64 << 20  # three million scores

TEXTS = ("dataset", "split", "trim", "frame", "pooling")
COUNTS = ("num_identities", "num_frames")  # None where they are not known
MAX_COUNT = 1 << 31


def write_calibration(workdir: Path, step: int, calibration: dict[str, Any]) -> None:
    """Stores the scores of a checkpoint on real clips that it was not trained on.

    `calibration` has "scores" and their origin: "frame", "pooling", "trim", "dataset", "split".
    An existing calibration of this step is replaced.
    """
    path = workdir / CALIBRATION / f"{step}.json"
    path.parent.mkdir(exist_ok=True)
    atomic_write(path, json.dumps(calibration, indent=2) + "\n")


def read_calibration(workdir: Path, step: int) -> dict[str, Any] | None:
    """The calibration that `write_calibration` stored for this step; None if there is none.

    ValueError if the file is damaged or not a calibration.
    """
    path = workdir / CALIBRATION / f"{step}.json"
    # A link that leads nowhere must not pass for no calibration.
    return _read(path) if path.exists() or path.is_symlink() else None


def _read(path: Path) -> dict[str, Any]:
    calibration = read_object(path, max_bytes=MAX_BYTES)
    try:
        _check(calibration)
    except ValueError as error:
        raise ValueError(
            shown_text(
                f"{path} is not a calibration: {error}. Make it again with avsync-evaluate "
                "--calibrate, or remove the file: scores then have no p-values"
            )
        ) from error
    return calibration


def _check(calibration: Mapping[str, Any]) -> None:
    """ValueError says which field is missing or of another kind."""
    for name in TEXTS:
        if not isinstance(calibration.get(name), str):
            raise ValueError(f"its {name!r} must be text")
    for name in COUNTS:
        count = calibration.get(name)
        if count is not None and not (type(count) is int and 0 < count < MAX_COUNT):
            raise ValueError(f"its {name!r} must be a positive integer or null")
    scores = calibration.get("scores")
    if not isinstance(scores, list) or not scores or not all(map(_is_finite, scores)):
        raise ValueError("its 'scores' must be a list of finite numbers, one at least")
    lookup.require("trimming rule", calibration["trim"], sorted(TRIMS.values()))
    scoring.require_rule(calibration["frame"])
    scoring.require_pooling(calibration["pooling"])


def _is_finite(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an integer beyond the range of floats
        return False
