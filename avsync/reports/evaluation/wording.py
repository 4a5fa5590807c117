"""The sentences of the report, and how it writes numbers of metrics.json."""

from collections.abc import Mapping, Sequence

from avsync.evaluation.comparisons import TrimmingEffect
from avsync.evaluation.lines import OK, VIEWS, Line, Metrics
from avsync.metrics.corpus_offset import CorpusOffset, in_words
from avsync.reports import text
from avsync.reports.text import readable
from avsync.units import FRAMES_PER_SECOND

# The scores of the headline and of the overview figure, in this order.
HEADLINE_SCORES = ("alignment", "leading_silence")

# The false-alarm rate whose threshold is drawn ...
FALSE_ALARM_RATE = "0.05"

# ... except for poolings by which the score of a clip exceeds that of each of its frames.
POOLINGS_BEYOND_FRAMES = ("logsumexp",)


def headline(metrics: Metrics) -> str:
    """The finding in one sentence: the AUC of the headline scores, before and after trimming."""
    views, deltas = metrics["views"], metrics["delta"]
    aucs = {
        score: " → ".join(_two_digits(results[score]) for results in views.values())
        for score in headline_scores(metrics)
    }
    if len(views) == len(VIEWS) and tuple(aucs) == HEADLINE_SCORES:
        alignment, silence = (aucs[score] for score in HEADLINE_SCORES)
        if _falls(deltas["leading_silence"]) and _is_unchanged(deltas["alignment"]):
            verb = "removes" if _is_chance(views["trimmed"]["leading_silence"]) else "weakens"
            return (
                f"Trimming {verb} the leading-silence shortcut (AUC {silence}); alignment keeps "
                f"its AUC ({alignment})."
            )
    listed = "; ".join(f"{readable(score)} {auc}" for score, auc in aucs.items())
    if len(views) == len(VIEWS):
        return f"AUC before → after trimming leading silence: {listed}."
    return f"AUC, {next(iter(views))} view: {listed}."


def headline_scores(metrics: Metrics) -> list[str]:
    """The `HEADLINE_SCORES` that were computed; all scores if none of them was."""
    known = list(metrics["delta"])
    return [score for score in HEADLINE_SCORES if score in known] or known


def estimate(numbers: Metrics, name: str) -> str:
    """The text "0.972 [0.954, 0.988]", or the reason for no number; `name` is "auc", "eer", ..."""
    value, low, high = (numbers[key] for key in (name, f"{name}_low", f"{name}_high"))
    return f"n/a: {numbers['note']}" if value is None else text.interval(value, low, high)


def auc_over_identities(result: Metrics) -> str:
    """The text "0.972 [0.921, 0.998], n = 34", or the reason for no interval."""
    over_identities = result["over_identities"]
    if over_identities is None:
        return "n/a: speakers unknown"
    interval = estimate({**over_identities, "auc": result["auc"]}, "auc")
    return f"{interval}, n = {over_identities['num_identities']}"


def num_clips(result: Metrics) -> str:
    """The text "100 / 400, 12 left out": real clips before fakes, then those left out."""
    counts = text.real_and_fake(result["num_real"], result["num_fake"])
    return f"{counts}, {left_out} left out" if (left_out := result["num_unscored"]) else counts


def offsets(offset: Metrics) -> str:
    """The A/V offsets of the real clips."""
    num_measured, total = offset["num_real"], offset["num_real"] + offset["num_unmeasured"]
    if not num_measured:
        return f"n/a: none of {total} real clips was measured"
    return (
        f"{offset['within_1_frame']:.1%} within 1 frame, {offset['exact']:.1%} exact, "
        f"median {offset['median_frames']:g} frames, n = {num_measured} of {total}"
    )


def corpus_offset(offset: Metrics) -> str:
    """The A/V offset that the real clips share, and what was done about it.

    `offset` is the object of that name in metrics.json.
    """
    moved = offset["realigned_frames"]
    found = CorpusOffset(**{name: offset[name] for name in CorpusOffset._fields})
    if moved and moved == found.constant_frames:
        return f"{found.described()}; all sound was moved back by it before it was scored"
    if moved:
        calibrated = f"all sound was moved back by that of the calibration, {in_words(moved)}"
        return f"{found.described()}; {calibrated}"
    done = "; no sound was moved" if found.constant_frames else ""
    return f"{found.described()}{done}"


def unscored(metrics: Metrics) -> list[str]:
    """A sentence for each score and view that lacks more clips than those that are not judged."""
    return [
        f"{readable(score)}, {view}: {result['num_unscored']} of {_total(result)} clips unscored"
        for view, results in metrics["views"].items()
        for score, result in results.items()
        if result["num_unscored"] > num_not_judged(metrics["statuses"][view])
    ]


def num_not_judged(number_by_status: Mapping[str, int]) -> int:
    """The clips with a status other than "ok", which are left out of every number."""
    return sum(number_by_status.values()) - number_by_status.get(OK, 0)


def statuses(number_by_status: Mapping[str, int]) -> str:
    """The text "799 ok, 1 all_silent (left out of every number)", the most frequent first."""
    by_number = sorted(number_by_status.items(), key=lambda item: -item[1])
    counts = ", ".join(f"{number} {status}" for status, number in by_number)
    return f"{counts} (left out of every number)" if num_not_judged(number_by_status) else counts


def correlation(value: float | None) -> str:
    """The text "+0.31", or the reason for no number."""
    return "n/a: constant" if value is None else f"{value:+z.2f}"


def trimming(effect: TrimmingEffect, results: Sequence[Metrics]) -> str:
    """The effect of trimming on a score; `results` are its results in the two views."""
    changes = [
        f"{kind} {change:+z.3g}"
        for kind, change in (
            ("real", effect.median_change_real),
            ("fake", effect.median_change_fake),
        )
        if change is not None
    ]
    aucs = " → ".join("n/a" if r["auc"] is None else f"{r['auc']:.3f}" for r in results)
    return (
        f"Median change: {', '.join(changes)}. AUC {aucs}. Rank correlation between the views: "
        f"{correlation(effect.rank_correlation)}. n = {effect.num_real} real, "
        f"{effect.num_fake} fake clips."
    )


def subsampled(every: int, what: str) -> str:
    """A sentence on points left out of a picture; empty if all are drawn."""
    return f" One in {every} {what} is drawn." if every > 1 else ""


def highest_of(num_frames: int) -> str:
    """A sentence on the points of a long curve; empty if each is one frame."""
    return f" Each point is the highest of {num_frames} frames." if num_frames > 1 else ""


def threshold(calibration: Metrics | None) -> tuple[float | None, str]:
    """The threshold to draw among frame scores, and a sentence on it or on its absence.

    `calibration` is the object of that name in metrics.json.
    """
    if not calibration:
        return None, "No threshold is drawn: the checkpoint has no calibration."
    pooling = calibration["pooling"]
    if pooling in POOLINGS_BEYOND_FRAMES:
        return None, (
            f"No threshold is drawn: {pooling} scores of clips are not on the scale of frames."
        )
    rate = calibration["rates"][FALSE_ALARM_RATE]
    value = rate["threshold"]
    if value is None:
        return None, f"No threshold is drawn: {rate['note']}."
    return value, (
        f"Dashed: {value:.2f}, the threshold on clip scores for a false-alarm rate of "
        f"{FALSE_ALARM_RATE}."
    )


def clip(line: Line, score: str) -> str:
    """The kind of a clip, its score, p-value and A/V offset."""
    facts = [f"{line.category or 'unknown'}, {line.manipulation or 'unknown'}"]
    facts.append(f"score {line.scores[score]:.2f}")
    if line.p_value is not None:
        facts.append(f"p = {line.p_value:.3f}")
    if line.offset_frames is not None:
        facts.append(offset(line.offset_frames / FRAMES_PER_SECOND))
    return f"{'; '.join(facts)}."


def offset(seconds: float) -> str:
    """The A/V offset in words; positive seconds are late sound."""
    if not seconds:
        return "sound in sync"
    return f"sound {abs(seconds):.2f} s {'late' if seconds > 0 else 'early'}"


def _falls(delta: Metrics) -> bool:
    """Return whether the interval of an AUC drop lies above 0."""
    return (delta["auc_drop_low"] or 0) > 0


def _is_unchanged(delta: Metrics) -> bool:
    """Return whether the interval of an AUC drop contains 0."""
    low, high = delta["auc_drop_low"], delta["auc_drop_high"]
    return low is not None and low <= 0 <= high


def _is_chance(result: Metrics) -> bool:
    """Return whether the interval of an AUC contains 0.5."""
    return result["auc_low"] is not None and result["auc_low"] <= 0.5 <= result["auc_high"]


def _total(result: Metrics) -> int:
    return result["num_real"] + result["num_fake"] + result["num_unscored"]


def _two_digits(result: Metrics) -> str:
    return f"n/a ({result['note']})" if result["auc"] is None else f"{result['auc']:.2f}"
