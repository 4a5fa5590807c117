"""What numbers mean, in the words of the terminal, of scores.json and of the picture.

Whoever reads them may be in a hurry and no expert: a file that fits worse than some reals is not
called forged, and whose reals they are is said each time.
"""

import dataclasses
from collections.abc import Sequence

from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.video import placing
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.result import OK, Finding, OffsetSpan
from avsync.units import FRAMES_PER_SECOND

# More changes of the offset than this are told by their number.
MAX_SPANS = 3

BLIND_SPOT = (
    "What fits is not thereby genuine: a forgery that keeps lips and sound together, or of a few "
    "words in a long file, is not seen."
)


def with_verdict(finding: Finding, reference: Reference, *, remark: str = "") -> Finding:
    """The finding with its verdict and remark as its message, if it has a score."""
    if finding.status != OK:
        return finding
    parts = [verdict(finding, reference), remark]
    return dataclasses.replace(finding, message="; ".join(part for part in parts if part))


def verdict(finding: Finding, reference: Reference) -> str:
    """How lips and sound fit beside those of the reals, and where they would fit better."""
    shift = offset(finding) if placing.is_shifted(finding) else ""
    if reference.threshold is None:
        few = f"only {reference.num_real}" if reference.num_real else "no"
        text = f"not judged: the checkpoint has the scores of {few} real clips to compare with"
        return f"{text}; {shift}" if shift else text
    fit = f"lips and sound fit as in {reference.reals}"
    if shift and placing.is_believed(finding, reference):
        changed = ": an edit, lost frames, a wrong clock, or a forgery"
        return f"{shift}; moved back, {fit}{changed if len(finding.offsets) > 1 else ''}"
    if not reference.is_alarm(finding.p_value):
        return fit
    return f"lips and sound fit worse than in {_how_many(finding, reference)}{_why(finding)}"


def offset(finding: Finding) -> str:
    """Where the sound lies, by its spans.

    "out of sync by +0.20 s: the sound comes late", or "in sync until 1.5 s, out of sync by +0.24 s
    (sound late) from there on".
    """
    spans = _told(finding.offsets)
    if len(spans) == 1:
        return _placed(spans[0]).replace(" (sound ", ": the sound comes ").removesuffix(")")
    if len(spans) > MAX_SPANS:
        frames = [span.offset_frames for span in spans]
        return (
            f"the offset of the sound changes {len(spans) - 1} times, from "
            f"{seconds(frames[0])} to {seconds(frames[-1])}, between {seconds(min(frames))} and "
            f"{seconds(max(frames))}"
        )
    told = [f"{_placed(span)} until {clock(span.end)}" for span in spans[:-1]]
    return ", ".join([*told, f"{_placed(spans[-1])} from there on"])


def offset_cell(finding: Finding, reference: Reference) -> str:
    """ "+0.20 s", "-0.04 to +0.24 s" of one that changes, "unclear" of one that means nothing."""
    if not placing.is_believed(finding, reference):
        return "unclear"
    frames = {span.offset_frames for span in finding.offsets}
    if len(frames) > 1:
        return f"{seconds(min(frames)).removesuffix(' s')} to {seconds(max(frames))}"
    return seconds(finding.offset_frames or 0)


def seconds(frames: int) -> str:
    """Frames as signed seconds: "+0.20 s"."""
    return f"{frames / FRAMES_PER_SECOND:+.2f} s"


def clock(time: float) -> str:
    """ "1.24 s", or "61:02" beyond a minute."""
    if abs(time) < 60:
        return f"{time:.4g} s"
    return f"{int(time // 60)}:{time % 60:04.1f}".removesuffix(".0")


def p_value(finding: Finding, reference: Reference) -> str:
    """ "p = 0.010: 0 of 100 real clips score this high", and what that is not; "" if unknown."""
    if finding.p_value is None:
        return ""
    if finding.num_pieces == 1:
        number = round(finding.p_value * (reference.num_real + 1)) - 1
        text = f"{number} of {reference.num_real} {reference.reals} score this high"
    else:
        length = (reference.piece_frames or 0) / FRAMES_PER_SECOND
        text = (
            f"over {finding.num_pieces} pieces of about {length:.1f} s, each compared with "
            f"{reference.num_real} {reference.reals}"
        )
    return f"p = {finding.p_value:.3f}: {text}; it is not the chance that the file is real"


def comparison(reference: Reference) -> str:
    """What p-values and verdicts stand on, and what they cannot tell."""
    if not reference.num_real:
        return "No p-values: the checkpoint has no scores of real clips to compare with."
    text = f"Compared with {reference.num_real} {reference.reals} ({reference.source})"
    if reference.threshold is None:
        return f"{text}; too few for a false-alarm rate of {reference.false_alarm_rate:.0%}."
    parts = [
        f"{text}: of reals of that kind, at most {reference.false_alarm_rate:.0%} score above "
        f"{reference.threshold:.2f}. Reals of other talkers, cameras, rooms or languages may score "
        "above it far more often.",
        reference.caution,
        BLIND_SPOT,
    ]
    return " ".join(part for part in parts if part)


def status(finding: Finding) -> str:
    """Why there is no score: "no_audio: the file has no audio stream"."""
    return f"{finding.status}: {finding.message}"


def _told(spans: Sequence[OffsetSpan]) -> list[OffsetSpan]:
    """The spans, those joined that are no desync of one another."""
    told: list[OffsetSpan] = []
    for span in spans:
        if told and abs(span.offset_frames - told[-1].offset_frames) < MIN_DESYNC_FRAMES:
            told[-1] = told[-1]._replace(end=span.end)
        else:
            told.append(span)
    return told


def _placed(span: OffsetSpan) -> str:
    frames = span.offset_frames
    if abs(frames) < MIN_DESYNC_FRAMES:
        return "in sync"
    return f"out of sync by {seconds(frames)} (sound {'late' if frames > 0 else 'early'})"


def _how_many(finding: Finding, reference: Reference) -> str:
    """Of the reals, those that fit better."""
    if finding.num_pieces != 1 or finding.p_value is None:
        return f"{reference.reals} (p = {finding.p_value:.3f})"
    number = reference.num_real + 1 - round(finding.p_value * (reference.num_real + 1))
    return f"{number} of {reference.num_real} {reference.reals}"


def _why(finding: Finding) -> str:
    """What a misfit may come from: what the file itself tells apart, and nothing beyond."""
    if placing.has_offset(finding) and not placing.is_shifted(finding):
        return ", yet best where the sound is: forged in part, or a file unlike those"
    return ", and no shift explains it: another's voice, music, forged, or a file unlike those"
