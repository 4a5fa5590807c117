"""What an adaptation gained or lost, measured on the same clips before and after it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync.evaluation import calibration as calibrations
from avsync.evaluation import comparisons
from avsync.evaluation.calibration import Calibration
from avsync.evaluation.lines import SCORES_FILE, Line, Metrics, read_lines
from avsync.evaluation.results import result
from avsync.json_file import read_object
from avsync.markdown import plain, table

SCORE, VIEW = "alignment", "trimmed"

# The threshold whose errors are told.
RATE = "0.05"

MAX_BYTES = 64 << 20

UNKNOWN = "-"

BETTER, WORSE, UNCLEAR = "better", "worse", "no clear difference"


class Measured(NamedTuple):
    """A scorer on the test clips.

    lines: its scores in `VIEW`.
    thresholds: the `threshold_report` of these; None for a scorer that was never calibrated.
    """

    lines: list[Line]
    thresholds: Metrics | None


def read_measured(folder: Path, calibration: Calibration | None = None) -> Measured:
    """The evaluation in `folder`, judged by `calibration`, or else as it was then."""
    lines = [line for line in read_lines(folder / SCORES_FILE) if line.view == VIEW]
    if calibration:
        return Measured(lines, calibrations.threshold_report(lines, calibration))
    metrics = read_object(folder / "metrics.json", max_bytes=MAX_BYTES)
    return Measured(lines, metrics["calibration"])


def compare(measured: Mapping[str, Measured]) -> Metrics:
    """The numbers of each scorer, and what the last one gained over the first on the same clips.

    scorers: by name, AUC on fakes with its interval, also by kind of fake, and the errors of the
      threshold for 5% false alarms: `alarms` among the real clips and the share of fakes `found`.
    gain: the difference of AUC with its interval over clips, and over talkers if all are known;
      None for a single model.
    chosen: the name of the scorer to use: of the last two, the one with the higher AUC; the given
      one, calibrated, where they are equal.
    finding: `BETTER` or `WORSE` where the interval, over talkers if there is one, is on one side of
      0, else `UNCLEAR`; None for a single model.
    """
    scorers = {name: _numbers(each) for name, each in measured.items()}
    first, *_, last = measured.values()
    names = list(measured)
    gain = None if last.lines == first.lines else _gain(first.lines, last.lines)
    is_last = gain is None or (gain["value"] or 0) > 0
    return {
        "scorers": scorers,
        "gain": gain,
        "finding": gain and _finding(gain),
        "chosen": names[-1] if is_last else names[-2],
    }


def markdown(outcome: Metrics) -> str:
    """The outcome as the section of a model card."""
    head = ("", "AUC", "false alarms", "fakes found")
    kinds = list(outcome["scorers"].items())
    by_kind = []
    for kind in kinds[0][1]["by_manipulation"]:
        cells = (in_words(numbers["by_manipulation"][kind]) for _, numbers in kinds)
        by_kind.append((plain(kind), *cells))
    real, fake = (kinds[0][1][f"num_{label}"] for label in ("real", "fake"))
    which = ", which these clips chose" if outcome["gain"] else ""
    about = (
        f"{real} real test clips and {fake} fakes made of them, leading silence trimmed, neither "
        "trained on nor calibrated with; AUC with its 95% interval over clips. False alarms and "
        "fakes found are those of the threshold for 5% false alarms on the calibration clips. The "
        "fakes are made by simple programs: how well other forgeries are found is not measured. "
        f"This folder holds the {outcome['chosen']} scorer{which}."
    )
    return "\n\n".join(
        [
            "## Own videos",
            outcome["summary"],
            _videos(outcome),
            about,
            table(head, rows(outcome), numbers=True),
            table(["fakes", *(plain(name) for name, _ in kinds)], by_kind, numbers=True),
        ]
    )


def rows(outcome: Metrics) -> list[tuple[str, str, str, str]]:
    """Of each scorer: its name, its AUC, its false alarms and the share of fakes that it finds."""
    return [
        (name, in_words(numbers), _alarms(numbers), _found(numbers))
        for name, numbers in outcome["scorers"].items()
    ]


def summary(outcome: Metrics) -> str:
    """One sentence: better, worse or unclear, by how much and on how many clips."""
    if outcome["gain"] is None:
        return "Not fine-tuned: the given scorer was calibrated on these clips."
    gain, scorers = outcome["gain"], list(outcome["scorers"].values())
    over, value = _decisive(gain), gain["value"]
    if value is None:
        return f"Before and after cannot be compared: {gain['note']}."
    where = "talkers" if over is not gain else "clips"
    number = f" {over['num_identities']}" if over is not gain else ""
    what = {
        BETTER: "Fine-tuning helped",
        WORSE: "Fine-tuning did harm",
        UNCLEAR: "Whether fine-tuning helped is unclear",
    }[outcome["finding"]]
    interval = f"[{over['low']:+.3f}, {over['high']:+.3f}]" if over["low"] is not None else "none"
    return (
        f"{what}: AUC {scorers[0]['auc']:.3f} before, {scorers[-1]['auc']:.3f} after, "
        f"{value:+.3f}, 95% interval over{number} {where} {interval}, on {gain['num_real']} real "
        f"clips and {gain['num_fake']} fakes."
    )


def in_words(numbers: Metrics) -> str:
    """The AUC of a result with its interval; "-" without one."""
    if numbers["auc"] is None:
        return UNKNOWN
    if numbers["auc_low"] is None:
        return f"{numbers['auc']:.3f}"
    return f"{numbers['auc']:.3f} [{numbers['auc_low']:.3f}, {numbers['auc_high']:.3f}]"


def _videos(outcome: Metrics) -> str:
    counts = outcome["counts"]
    parts = [f"{counts['train']} to train on"] if outcome["gates"] is not None else []
    parts += [f"{counts['val']} to calibrate with", f"{counts['test']} to test with"]
    dropped = sum(by_action.get("drop", 0) for by_action in (outcome["gates"] or {}).values())
    rejected = outcome["num_rejected"]
    lost = [f"{rejected} could not be prepared."] if rejected else []
    notes = [f"The gates dropped {dropped} of those to train on."] if dropped else []
    notes += [f"{note[0].upper()}{note[1:]}." for note in map(plain, outcome["notes"])]
    divided = f"Real videos, divided by {outcome['divided_by'].removesuffix('s')}"
    return " ".join([f"{divided}: {', '.join(parts)}.", *lost, *notes])


def _numbers(measured: Measured) -> Metrics:
    lines, thresholds = measured
    fakes = dict.fromkeys(line.manipulation for line in lines if not line.is_real)
    by_kind = {
        kind: result([x for x in lines if x.is_real or x.manipulation == kind], SCORE)
        for kind in fakes
    }
    errors = thresholds and thresholds["rates"][RATE]
    return {**result(lines, SCORE), "by_manipulation": by_kind, "at_5_percent": errors}


def _gain(before: Sequence[Line], after: Sequence[Line]) -> dict[str, Any]:
    change = comparisons.auc_change(before, after, before_score=SCORE, after_score=SCORE)
    over = change["over_identities"]
    return {
        **_negated(change),
        **{key: change[key] for key in ("num_real", "num_fake", "num_unpaired", "note")},
        "over_identities": over
        and {**_negated(over), "num_identities": over["num_identities"], "note": over["note"]},
    }


def _negated(change: Metrics) -> dict[str, float | None]:
    """A drop, or its interval alone, as a gain."""
    low, high = change["auc_drop_high"], change["auc_drop_low"]
    value = {"value": _minus(change["auc_drop"])} if "auc_drop" in change else {}
    return {**value, "low": _minus(low), "high": _minus(high)}


def _minus(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


def _decisive(gain: Metrics) -> Metrics:
    """The interval that decides: over talkers, who are fewer than clips, if it is known."""
    over = gain["over_identities"]
    return over if over and over["low"] is not None else gain


def _finding(gain: Metrics) -> str:
    low, high = (_decisive(gain)[side] for side in ("low", "high"))
    if low is None or high is None or low <= 0 <= high:
        return UNCLEAR
    return BETTER if low > 0 else WORSE


def _alarms(numbers: Metrics) -> str:
    alarms = (numbers["at_5_percent"] or {}).get("alarms")
    return f"{alarms['num_alarms']} of {numbers['num_real']}" if alarms else UNKNOWN


def _found(numbers: Metrics) -> str:
    found = (numbers["at_5_percent"] or {}).get("found")
    return f"{found['share']:.0%} of {found['num_fake']}" if found else UNKNOWN
