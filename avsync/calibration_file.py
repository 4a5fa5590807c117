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

from avsync.files import atomic_write
from avsync.json_file import read_object

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
    return _read(path) if path.exists() else None


def _read(path: Path) -> dict[str, Any]:
    calibration = read_object(path, max_bytes=MAX_BYTES)
    if problem := _problem(calibration):
        raise ValueError(
            f"{path} {problem}. Make the calibration again with avsync-evaluate --calibrate, or "
            "remove the file: scores then have no p-values"
        )
    return calibration


def _problem(calibration: Mapping[str, Any]) -> str:
    for name in TEXTS:
        if name not in calibration:
            return f"has no {name!r}"
        if not isinstance(calibration[name], str):
            return f"has {name!r}, which is not text"
    for name in COUNTS:
        count = calibration.get(name)
        if count is not None and not (type(count) is int and 0 < count < MAX_COUNT):
            return f"has {name!r}, which is not a positive integer"
    scores = calibration.get("scores")
    if not isinstance(scores, list) or not scores:
        return "has no list of 'scores'"
    if not all(map(_is_finite, scores)):
        return "has 'scores' that are not finite numbers"
    return ""


def _is_finite(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an integer beyond the range of floats
        return False
