"""The calibration beside a checkpoint: its fields, and what each may be.

workdir/calibration/STEP.json holds the scores of a checkpoint on real clips that it was not trained
on, and how they were made. Thresholds and p-values follow from it, so a damaged one must not be
used: each field is checked when the file is read.
"""

import itertools
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avsync import lookup, scoring
from avsync.evaluation.lines import TRIMS
from avsync.files import atomic_write
from avsync.json_file import read_object
from avsync.metrics.corpus_offset import in_words
from avsync.metrics.domain import Domain
from avsync.names import shown_text

CALIBRATION = "calibration"

MAX_BYTES = 64 << 20  # three million scores

VERDICT = "verdict"  # the entry for verdicts on files; older calibrations lack it

TEXTS = ("dataset", "split", "trim", "frame", "pooling")
COUNTS = ("num_identities", "num_frames")  # None where they are not known
MAX_COUNT = 1 << 31

# No A/V offset that is measured comes near.
MAX_REALIGNED_FRAMES = 100
# In JSON text; bare brackets hold numbers alone.
NUMBERS = re.compile(r'\[[^][{}"]*\]')


class Written(NamedTuple):
    """The file of a calibration, and where the one before it is kept; None if there was none."""

    path: Path
    previous: Path | None


def write_calibration(workdir: Path, step: int, calibration: dict[str, Any]) -> Written:
    """Stores the scores of a checkpoint on real clips that it was not trained on.

    `calibration` has "scores" and their origin: "frame", "pooling", "trim", "dataset", "split".
    A calibration of this step that differs is kept as STEP.old1.json, STEP.old2.json, ...
    """
    path = workdir / CALIBRATION / f"{step}.json"
    path.parent.mkdir(exist_ok=True)
    # One line for each list of numbers: there are thousands of them.
    text = json.dumps(calibration, indent=2)
    content = NUMBERS.sub(lambda numbers: "".join(numbers[0].split()), text) + "\n"
    previous = None
    if path.exists() and path.read_bytes() != content.encode():
        names = (path.with_name(f"{step}.old{number}.json") for number in itertools.count(1))
        previous = next(name for name in names if not name.exists())
        # Not renamed: a process that dies here leaves the old calibration in force.
        atomic_write(previous, path.read_bytes())
    atomic_write(path, content)
    return Written(path, previous)


def keep_calibration(workdir: Path, step: int, calibration: dict[str, Any]) -> str:
    """Stores it as `write_calibration` does; says what is kept, and where."""
    written = write_calibration(workdir, step, calibration)
    speakers = calibration["num_identities"] or "unknown"
    kept = (
        f"calibration: {written.path} holds the scores ({calibration['frame']}, "
        f"{calibration['pooling']}) of {len(calibration['scores'])} real clips of "
        f"{calibration['dataset']}, {calibration['split']} split; speakers: {speakers}"
    )
    if frames := calibration["realigned_frames"]:
        kept += f"; all their sound is {in_words(frames)}, and was moved back"
    return f"{kept}. The one before is kept in {written.previous}" if written.previous else kept


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
    # Earlier versions did not write it: their clips were scored as stored.
    frames = calibration.get("realigned_frames", 0)
    if not (type(frames) is int and abs(frames) <= MAX_REALIGNED_FRAMES):
        raise ValueError(
            f"its 'realigned_frames' must be a whole number up to {MAX_REALIGNED_FRAMES} either way"
        )
    _require_numbers(calibration, "scores")
    lookup.require("trimming rule", calibration["trim"], sorted(TRIMS.values()))
    _require_rules(calibration)
    if VERDICT in calibration:
        _check_verdict(calibration[VERDICT])


def _check_verdict(verdict: Any) -> None:
    """ValueError unless it is what `avsync.scoring.video.reference_clips.measure` returns."""
    if not isinstance(verdict, dict):
        raise ValueError(f"its {VERDICT!r} must be an object")
    for name in ("frame", "pooling"):
        if not isinstance(verdict.get(name), str):
            raise ValueError(f"its {name!r} for verdicts must be text")
    _require_rules(verdict)
    if not isinstance(verdict.get("is_speech_only"), bool):
        raise ValueError("its 'is_speech_only' must be true or false")
    _require_numbers(verdict, "scores")
    groups = verdict.get("groups", {})
    if not isinstance(groups, dict):
        raise ValueError("its 'groups' must be an object of lists")
    for name in groups:
        _require_numbers(groups, name)
    if verdict.get("unrelated_nats") != []:
        _require_numbers(verdict, "unrelated_nats")
    for stream in ("mouths", "voices"):
        if verdict.get(stream) is not None:
            try:
                Domain.from_json(verdict[stream])
            except ValueError as error:
                raise ValueError(f"its {stream!r}: {error}") from error


def _require_rules(entry: Mapping[str, Any]) -> None:
    scoring.require_rule(entry["frame"])
    scoring.require_pooling(entry["pooling"])


def _require_numbers(entry: Mapping[str, Any], name: str) -> None:
    numbers = entry.get(name)
    if not isinstance(numbers, list) or not numbers or not all(map(_is_finite, numbers)):
        raise ValueError(f"its {name!r} must be a list of finite numbers, one at least")


def _is_finite(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an integer beyond the range of floats
        return False
