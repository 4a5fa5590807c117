"""What is written beside the pictures of an evaluation."""

from collections.abc import Sequence

from avsync.evaluation.lines import Line, Metrics
from avsync.reports.evaluation import wording
from avsync.reports.evaluation.moves import Moves
from avsync.units import FRAMES_PER_SECOND

# The threshold for this false-alarm rate is drawn, where there is one ...
FALSE_ALARM_RATE = "0.05"

# ... unless the score of a clip is larger than that of any of its frames.
POOLINGS_BEYOND_FRAMES = ("logsumexp",)


def moved(moves: Moves, results: Sequence[Metrics]) -> str:
    """What `moves` measured, and the AUC in the two views."""
    changes = [
        f"{kind} {change:+z.3g}"
        for kind, change in (("reals", moves.of_reals), ("fakes", moves.of_fakes))
        if change is not None
    ]
    aucs = " → ".join("n/a" if r["auc"] is None else f"{r['auc']:.3f}" for r in results)
    return (
        f"Moved, in the median: {', '.join(changes)}. AUC {aucs}. Rank correlation of the two "
        f"views: {wording.correlation(moves.rank_correlation)}. "
        f"n = {moves.num_real} reals, {moves.num_fake} fakes."
    )


def drawn(every: int, what: str) -> str:
    """A sentence on what is left out of a picture, if anything is."""
    return f" Drawn is one {what} in {every}." if every > 1 else ""


def highest(num_frames: int) -> str:
    """A sentence on what a point of a long curve is; nothing if it is a frame."""
    return f" Each point is the highest of {num_frames} frames." if num_frames > 1 else ""


def threshold(calibration: Metrics | None) -> tuple[float | None, str]:
    """The threshold to draw among the scores of frames, and a sentence on it or on its absence.

    `calibration` is what metrics.json says under that name.
    """
    if not calibration:
        return None, "No threshold is drawn: no scores of reals are kept with the checkpoint."
    pooling = calibration["pooling"]
    if pooling in POOLINGS_BEYOND_FRAMES:
        return None, f"No threshold is drawn: that of {pooling} is not on the scale of frames."
    promise = calibration["rates"][FALSE_ALARM_RATE]
    value = promise["threshold"]
    if value is None:
        return None, f"No threshold is drawn: {promise['note']}."
    return value, (
        f"Dashed: {value:.2f}, the threshold of whole clips for a false-alarm rate of "
        f"{FALSE_ALARM_RATE}."
    )


def clip(line: Line, score: str) -> str:
    """What is known of a clip, and its score."""
    facts = [f"{line['category'] or 'unknown'}, {line['manipulation'] or 'unknown'}"]
    facts.append(f"score {line['scores'][score]:.2f}")
    if line.get("p_value") is not None:
        facts.append(f"p = {line['p_value']:.3f}")
    if line.get("offset_frames") is not None:
        facts.append(offset(line["offset_frames"] / FRAMES_PER_SECOND))
    return f"{'; '.join(facts)}."


def offset(seconds: float) -> str:
    """Where the sound lies; positive if it comes late."""
    if not seconds:
        return "sound in time"
    return f"sound {abs(seconds):.2f} s {'late' if seconds > 0 else 'early'}"
