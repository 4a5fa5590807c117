"""The calibration stored with a checkpoint: scores of held-out real clips, p-values, thresholds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from avsync.evaluation.lines import TRIMS, Line, Metrics, identities, view_of
from avsync.metrics import calibration as conformal

SCORE = "alignment"

# The file that `avsync.checkpoint` stores: the result of `calibrate`.
Calibration = Mapping[str, Any]


def calibrate(
    lines: Sequence[Line],
    *,
    dataset: str,
    split: str,
    frame_score: str,
    pooling: str,
    realigned_frames: int = 0,
) -> dict[str, Any]:
    """The calibration that `avsync.checkpoint.write_calibration` stores: trimmed scores, sorted.

    `realigned_frames`: how late all sound is, and by how much it was moved to be scored. Clips that
    are not judged are left out. ValueError if a clip is labelled fake, or none has a trimmed score.
    """
    fakes = list(dict.fromkeys(line.clip_id for line in lines if not line.is_real))
    if fakes:
        raise ValueError(
            f"calibration needs real clips only, but {len(fakes)} clips of {dataset}/{split} are "
            f"labelled fake, such as {fakes[0]}; choose real clips that were not trained on"
        )
    judged = [line for line in lines if line.view == "trimmed" and _is_usable(line)]
    if not judged:
        raise ValueError(f"no clip of {dataset}/{split} has a trimmed score to calibrate with")
    return {
        "dataset": dataset,
        "split": split,
        "trim": TRIMS["trimmed"],
        "frame": frame_score,
        "pooling": pooling,
        # None if unknown. Real clips of other speakers may score differently.
        "num_identities": len(set(speakers)) if (speakers := identities(judged)) else None,
        # Scores of clips much longer or shorter than these cannot be compared with them.
        "num_frames": int(np.median([line.num_frames for line in judged])),
        # Files are moved by as much before they are compared with these scores.
        "realigned_frames": realigned_frames,
        "scores": sorted(_scores(judged)),
    }


def realigned_frames_of(calibration: Calibration | None, dataset: str) -> int:
    """By how many frames the clips of this dataset were moved for the calibration; 0 if unknown."""
    if not calibration or calibration["dataset"] != dataset:
        return 0
    return calibration.get("realigned_frames", 0)


def matching(
    calibration: Calibration | None, *, frame_score: str, pooling: str
) -> Calibration | None:
    """The calibration if its scores were made by these rules, else None."""
    if calibration and (calibration["frame"], calibration["pooling"]) == (frame_score, pooling):
        return calibration
    return None


def with_p_values(lines: Sequence[Line], calibration: Calibration | None) -> list[Line]:
    """The lines with their p-values; unchanged without a calibration.

    The p-value is None for a clip that is not judged, and in the view without calibration.
    """
    if calibration is None:
        return list(lines)
    view = view_of(calibration["trim"])
    known = np.array(calibration["scores"])

    def p_value(line: Line) -> float | None:
        if line.view != view or not _is_usable(line):
            return None
        return float(conformal.p_values(np.array(_scores([line])), calibration=known)[0])

    return [line.replace(is_calibrated=True, p_value=p_value(line)) for line in lines]


def threshold_report(lines: Sequence[Line], calibration: Calibration) -> Metrics:
    """The thresholds that follow from a calibration, and their errors on these clips.

    num_abstained: clips that are not judged (too short, silent) and count nowhere here.
    rates: by false-alarm rate,
      threshold: None where the calibration clips are too few; "note" says so.
      promised: the expected rate on an unlimited number of new real clips, with its 95% interval.
      alarms: the false alarms among these real clips, and the interval expected for that many;
        None without real clips.
      found: the share of fakes detected; None without fakes.
    """
    view = view_of(calibration["trim"])
    known = np.array(calibration["scores"])
    in_view = [line for line in lines if line.view == view]
    judged = [line for line in in_view if _is_usable(line)]
    scores = np.array(_scores(judged), float)
    is_real = np.array([line.is_real for line in judged], bool)
    source = {name: calibration[name] for name in ("dataset", "split", "trim", "frame", "pooling")}
    return {
        **source,
        "realigned_frames": calibration.get("realigned_frames", 0),
        "num_calibration": len(known),
        "num_abstained": len(in_view) - len(judged),
        "rates": {
            str(rate): _errors(rate, known, scores, is_real) for rate in conformal.FALSE_ALARM_RATES
        },
    }


def _errors(
    rate: float,
    known: Float[np.ndarray, " c"],
    scores: Float[np.ndarray, " n"],
    is_real: Bool[np.ndarray, " n"],
) -> Metrics:
    try:
        threshold = conformal.threshold(known, false_alarm_rate=rate)
    except ValueError as error:
        return {"threshold": None, "note": str(error)}
    errors: Metrics = {
        "threshold": threshold,
        "promised": conformal.realised_rate(len(known), false_alarm_rate=rate)._asdict(),
        "alarms": None,
        "found": None,
        "note": "",
    }
    if is_real.any():
        seen = conformal.held_out_alarms(scores[is_real], calibration=known, false_alarm_rate=rate)
        errors["alarms"] = {**seen._asdict(), "expected": seen.expected._asdict()}
    if not is_real.all():
        errors["found"] = {
            "share": float(np.mean(scores[~is_real] > threshold)),
            "num_fake": int(np.sum(~is_real)),
        }
    return errors


def _is_usable(line: Line) -> bool:
    return line.is_judged and line.score(SCORE) is not None


def _scores(lines: Sequence[Line]) -> list[float]:
    return [score for line in lines if (score := line.score(SCORE)) is not None]
