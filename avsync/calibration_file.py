"""The calibration beside a checkpoint: its fields, and what each may be.

workdir/calibration/STEP.json holds the scores of a checkpoint on real clips that it was not trained
on, and how they were made. Thresholds and p-values follow from it, so a damaged one must not be
used: each field is checked when the file is read.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avsync.json_file import read_object

MAX_BYTES = 64 << 20  # three million scores

TEXTS = ("dataset", "split", "trim", "frame", "pooling")
COUNTS = ("num_identities", "num_frames")  # None where they are not known
MAX_COUNT = 1 << 31


def read(path: Path) -> dict[str, Any]:
    """The calibration in the file at `path`; ValueError, which begins with `path`, otherwise."""
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
