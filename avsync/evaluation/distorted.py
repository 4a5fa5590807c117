"""A grid of distortions: each cell is an evaluation of the same clips, distorted in one way.

Real clips and fakes are distorted alike, before silence is trimmed; the trimmed view is scored.
The false alarms are those of one threshold, that of the undistorted real clips: it is exceeded by
5% of them, and by how many of the distorted ones is what a user would meet.

Needs no model: `run` gets the function that scores. Finished cells are lines of distortions.jsonl,
so that a run that was killed goes on where it was.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avsync.distortions.base import Grid, all_distortions, distort
from avsync.evaluation import calibration, clip_sets
from avsync.evaluation.clip_sets import ClipSet
from avsync.evaluation.lines import TRIMS, Line, Metrics
from avsync.evaluation.scores import Evaluated
from avsync.evaluation.summary import compute_metrics
from avsync.evaluation.views import Views
from avsync.files import append_line, atomic_write
from avsync.metrics.calibration import exact_interval
from avsync.runtime import Progress, allgather_json, is_first

FILE = "distortions.jsonl"

# The undistorted clips: the first cell.
UNDISTORTED = "none"

VIEW, SCORE, FALSE_ALARM_RATE = "trimmed", "alignment", 0.05

Cell = Metrics


def run(
    clips: ClipSet,
    score: Callable[[Views], Evaluated],
    grid: Grid,
    *,
    out_dir: Path,
    about: Mapping[str, Any],
    rules: Mapping[str, str],
    batch_size: int,
    seed: int,
) -> list[Cell]:
    """The cells of the grid, the undistorted one first; every process gets all of them.

    `about` says what is tested on what, `rules` how frames are scored and pooled, as for
    `calibration.calibrate`. Cells that `out_dir` holds already are not computed again; ValueError
    if they are of other clips or of another model.
    """
    tested = {**about, "seed": seed, **rules}
    wanted = [(UNDISTORTED, 0.0), *[(name, s) for name, levels in grid.items() for s in levels]]
    path = out_dir / FILE
    if is_first():
        out_dir.mkdir(parents=True, exist_ok=True)
    known = {_key(cell): cell for cell in allgather_json(_finished(path, tested))[0]}
    with Progress("distortions", total=len(wanted), done=0) as progress:
        for name, strength in wanted:
            if (name, strength) not in known:
                started = time.monotonic()
                lines = score(_distorted(clips, name, strength, batch_size, seed)).lines
                first = known.get((UNDISTORTED, 0.0))
                reference = first["calibration"] if first else _reference(lines, tested, rules)
                cell = {
                    "distortion": name,
                    "strength": strength,
                    "tested": tested,
                    **_numbers(lines, tested, reference),
                    "seconds": round(time.monotonic() - started, 2),
                }
                if first is None:
                    cell["calibration"] = reference
                known[name, strength] = cell
                if is_first():
                    append_line(path, json.dumps(cell, allow_nan=False))
            progress.advance_to(progress.done + 1, f"{name} {strength:g}")
    return [known[key] for key in wanted]


def summarise(cells: Sequence[Cell]) -> Metrics:
    """The means over the distorted cells with an AUC, by stream, and the worst cell.

    mean_auc: over "all", "visual" and "audio" cells; None where there are none.
    undistorted, worst: cells; worst is None without a distorted cell that has an AUC.
    num_cells: the distorted cells; num_without_auc: those that lack real clips or fakes.
    """
    first, *distorted = cells
    streams = {name: known.stream for name, known in all_distortions().items()}
    ranked = [cell for cell in distorted if cell["auc"] is not None]
    groups = {
        "all": ranked,
        **{
            stream: [cell for cell in ranked if streams[cell["distortion"]] == stream]
            for stream in ("visual", "audio")
        },
    }
    return {
        "mean_auc": {
            name: float(np.mean([cell["auc"] for cell in group])) if group else None
            for name, group in groups.items()
        },
        "undistorted": first,
        "worst": min(ranked, key=lambda cell: cell["auc"], default=None),
        "num_cells": len(distorted),
        "num_without_auc": len(distorted) - len(ranked),
    }


def _distorted(clips: ClipSet, name: str, strength: float, batch_size: int, seed: int) -> Views:
    trims = {VIEW: TRIMS[VIEW]}
    if name == UNDISTORTED:
        return clip_sets.views(clips, batch_size=batch_size, trims=trims)
    return clip_sets.views(
        clips,
        batch_size=batch_size,
        trims=trims,
        change=lambda clip: distort(clip, name=name, strength=strength, seed=seed),
    )


def _reference(
    lines: Sequence[Line], tested: Mapping[str, Any], rules: Mapping[str, str]
) -> Metrics:
    """The calibration by the real clips, which gives the threshold of the false alarms."""
    real_clips = [line for line in lines if line.is_real]
    about: Any = {"dataset": tested["dataset"], "split": tested["split"], **rules}
    return calibration.calibrate(real_clips, **about)


def _numbers(lines: Sequence[Line], tested: Mapping[str, Any], reference: Metrics) -> Metrics:
    """The numbers of one cell, a part of those of metrics.json."""
    # The other scores of an evaluation are not shown, and their intervals would take seconds.
    only = [
        line.replace(scores={SCORE: line.score(SCORE)}, poolings={}, attributes={})
        for line in lines
    ]
    place = {name: tested[name] for name in ("dataset", "split", "checkpoint")}
    metrics = compute_metrics(only, **place, calibration=reference)
    result = metrics["views"][VIEW][SCORE]
    errors = metrics["calibration"]["rates"][str(FALSE_ALARM_RATE)]
    kept = ("auc", "auc_low", "auc_high", "note", "num_real", "num_fake", "num_unscored")
    return {
        **{name: result[name] for name in kept},
        "by_kind": {
            kind: {name: numbers[name] for name in kept}
            for kind, numbers in result["by_manipulation"].items()
        },
        "offsets": metrics["offsets"][VIEW],
        "threshold": errors["threshold"],
        "alarms": _with_interval(errors.get("alarms"), errors["note"]),
        "found": errors.get("found"),
        "statuses": metrics["statuses"][VIEW],
    }


def _with_interval(alarms: Metrics | None, note: str) -> Metrics:
    """The false alarms among these real clips, with the 95% interval of Clopper and Pearson."""
    if alarms is None:
        return {
            "rate": None,
            "low": None,
            "high": None,
            "num_alarms": 0,
            "num_real": 0,
            "note": note,
        }
    low, high = exact_interval(alarms["num_alarms"], alarms["num_real"])
    counts = {name: alarms[name] for name in ("rate", "num_alarms", "num_real")}
    return {**counts, "low": low, "high": high, "note": ""}


def _finished(path: Path, tested: Mapping[str, Any]) -> list[Cell]:
    """The cells that an earlier run left, without a last line that it did not finish writing."""
    if not path.exists():
        return []
    cells = []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        atomic_write(path, whole)
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            cell = json.loads(line)
            before, _ = cell["tested"], _key(cell)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}:{number} is no cell of a grid: {error}") from error
        if differ := [key for key in {**before, **tested} if before.get(key) != tested.get(key)]:
            changes = "; ".join(
                f"{k}: {before.get(k)!r} then, {tested.get(k)!r} now" for k in differ
            )
            raise ValueError(
                f"{path} was begun with other clips or another model ({changes}); choose another "
                "--out, or go on with the same ones"
            )
        cells.append(cell)
    return cells


def _key(cell: Cell) -> tuple[str, float]:
    return cell["distortion"], cell["strength"]
