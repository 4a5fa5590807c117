"""What numbers mean, in the words of the terminal, of scores.json and of the picture."""

import dataclasses

from avsync.inspection.reference import Reference
from avsync.inspection.result import OK, Finding
from avsync.units import FRAMES_PER_SECOND

# Of reals, nearly all have an offset of a frame at most.
MIN_DESYNC_FRAMES = 2


def with_verdict(finding: Finding, reference: Reference, *, remark: str = "") -> Finding:
    """The finding with its verdict and remark as its message, if it has a score."""
    if finding.status != OK:
        return finding
    parts = [verdict(finding, reference), remark]
    return dataclasses.replace(finding, message="; ".join(part for part in parts if part))


def verdict(finding: Finding, reference: Reference) -> str:
    """How the file compares with reals, and whether it is but out of sync."""
    if reference.threshold is None:
        few = f"only {reference.num_real}" if reference.num_real else "no"
        text = f"not judged: the checkpoint has the scores of {few} real clips to compare with"
        return f"{text}; {offset(finding)}" if _is_shifted(finding) else text
    if not reference.is_alarm(finding.p_value):
        return "lips and sound fit, as in real clips"
    if _is_shifted(finding) and fits_resynced(finding, reference):
        return f"{offset(finding)}; shifted back, lips and sound fit as in real clips"
    return "lips and sound do not fit: forged, dubbed, or another's voice"


def fits_resynced(finding: Finding, reference: Reference) -> bool:
    """Whether lips and sound fit at the file's offset: else that is no more than the least bad."""
    return finding.score_resynced is not None and not reference.is_alarm(finding.p_value_resynced)


def offset(finding: Finding) -> str:
    """ "out of sync by +0.20 s: the sound comes late"."""
    frames = finding.offset_frames or 0
    if not frames:
        return "in sync"
    return f"out of sync by {seconds(frames)}: the sound comes {'late' if frames > 0 else 'early'}"


def seconds(frames: int) -> str:
    """Frames as signed seconds: "+0.20 s"."""
    return f"{frames / FRAMES_PER_SECOND:+.2f} s"


def p_value(finding: Finding, reference: Reference) -> str:
    """ "as many as 1.0% of real clips score this high (n = 100)"; "" if it is not known."""
    if finding.p_value is None:
        return ""
    if finding.num_pieces == 1:
        return (
            f"as many as {finding.p_value:.1%} of real clips score this high "
            f"(n = {reference.num_real})"
        )
    length = (reference.piece_frames or 0) / FRAMES_PER_SECOND
    return (
        f"p = {finding.p_value:.3f}, over {finding.num_pieces} pieces of about {length:.1f} s, "
        f"each compared with {reference.num_real} real clips"
    )


def comparison(reference: Reference) -> str:
    """What p-values and verdicts stand on."""
    if not reference.num_real:
        return "No p-values: the checkpoint has no scores of real clips to compare with."
    text = f"Compared with {reference.num_real} real clips ({reference.source})"
    if reference.threshold is None:
        return f"{text}; too few for a false-alarm rate of {reference.false_alarm_rate:.0%}."
    return (
        f"{text}: of reals of that kind, at most {reference.false_alarm_rate:.0%} score above "
        f"{reference.threshold:.2f}. Of reals of another kind nothing is promised."
    )


def status(finding: Finding) -> str:
    """Why there is no score: "no_audio: the file has no audio stream"."""
    return f"{finding.status}: {finding.message}"


def _is_shifted(finding: Finding) -> bool:
    return abs(finding.offset_frames or 0) >= MIN_DESYNC_FRAMES
