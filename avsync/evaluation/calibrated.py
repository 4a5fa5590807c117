"""Scores of held-out reals kept with a checkpoint, and what they promise of other clips."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from avsync.evaluation.lines import OK, TRIMS, Line, Metrics, identities, is_scored
from avsync.metrics import calibration
from avsync.types import REAL

SCORE = "alignment"

# Those for which a threshold is reported.
FALSE_ALARM_RATES = (0.01, 0.05, 0.1)


def from_reals(
    lines: Sequence[Line], *, dataset: str, split: str, frame_score: str, pooling: str
) -> dict[str, Any]:
    """What `avsync.checkpoint.write_calibration` keeps: the trimmed scores of these real clips.

    Clips not judged are left out. ValueError if one is labelled fake, or none has a trimmed score.
    """
    fakes = [line["clip_id"] for line in lines if line["label"] != REAL]
    if fakes:
        raise ValueError(
            f"calibration takes real clips alone, and {len(fakes)} of {dataset}/{split} are "
            f"labelled fake, such as {fakes[0]}; choose reals that nothing was trained on"
        )
    scored = [line for line in lines if _has_score(line, "trimmed")]
    if not scored:
        raise ValueError(f"no clip of {dataset}/{split} has a trimmed score to calibrate with")
    return {
        "dataset": dataset,
        "split": split,
        "trim": TRIMS["trimmed"],
        "frame": frame_score,
        "pooling": pooling,
        # How many talk, if that is known: reals of others may score otherwise.
        "num_identities": len(set(speakers)) if (speakers := identities(scored)) else None,
        # Scores of clips much longer or shorter than these cannot be compared with them.
        "num_frames": int(np.median([line["num_frames"] for line in scored])),
        "scores": sorted(line["scores"][SCORE] for line in scored),
    }


def fitting(
    kept: Mapping[str, Any] | None, *, frame_score: str, pooling: str
) -> Mapping[str, Any] | None:
    """The kept scores if they were made by these rules; scores by other rules say nothing here."""
    made_alike = kept and (kept["frame"], kept["pooling"]) == (frame_score, pooling)
    return kept if made_alike else None


def with_p_values(lines: Sequence[Line], kept: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The lines, each with its `p_value`: None for a clip not judged, or trimmed otherwise.

    Without kept scores the lines stay as they are.
    """
    if kept is None:
        return [dict(line) for line in lines]
    (view,) = (view for view, trim in TRIMS.items() if trim == kept["trim"])
    known = np.array(kept["scores"])

    def p_value(line: Line) -> float | None:
        if not _has_score(line, view):
            return None
        score = np.array([line["scores"][SCORE]])
        return float(calibration.p_values(score, calibration=known)[0])

    return [{**line, "p_value": p_value(line)} for line in lines]


def promises(lines: Sequence[Line], kept: Mapping[str, Any]) -> Metrics:
    """What thresholds from the kept scores promise, and what they do on these clips.

    `num_abstained`: of these clips, those not judged (too short, silent), which count nowhere here.
    By false-alarm rate: the threshold; the rate to be expected of endless new reals; the alarms
    among the reals here, beside the interval to be expected for so many; and the share of fakes
    found. "note" says why there is no threshold where the kept scores are too few.
    """
    (view,) = (view for view, trim in TRIMS.items() if trim == kept["trim"])
    known = np.array(kept["scores"])
    in_view = [line for line in lines if line["view"] == view]
    here = [line for line in in_view if _has_score(line, view)]
    scores = np.array([line["scores"][SCORE] for line in here])
    is_real = np.array([line["label"] == REAL for line in here], bool)
    source = {name: kept[name] for name in ("dataset", "split", "trim", "frame", "pooling")}
    return {
        **source,
        "num_calibration": len(known),
        "num_abstained": len(in_view) - len(here),
        "rates": {str(rate): _promise(rate, known, scores, is_real) for rate in FALSE_ALARM_RATES},
    }


def _promise(rate: float, known: np.ndarray, scores: np.ndarray, is_real: np.ndarray) -> Metrics:
    try:
        threshold = calibration.threshold(known, false_alarm_rate=rate)
    except ValueError as error:
        return {"threshold": None, "note": str(error)}
    promise: Metrics = {
        "threshold": threshold,
        "promised": calibration.realised_rate(len(known), false_alarm_rate=rate)._asdict(),
        "alarms": None,
        "found": None,
        "note": "",
    }
    if is_real.any():
        seen = calibration.on_held_out(scores[is_real], calibration=known, false_alarm_rate=rate)
        promise["alarms"] = {**seen._asdict(), "expected": seen.expected._asdict()}
    if not is_real.all():
        promise["found"] = {
            "share": float(np.mean(scores[~is_real] > threshold)),
            "num_fake": int(np.sum(~is_real)),
        }
    return promise


def _has_score(line: Line, view: str) -> bool:
    is_judged = line.get("status", OK) == OK
    return line["view"] == view and is_judged and is_scored(line, SCORE)
