"""Verdicts in words, for the terminal, the records and the pictures.

Readers may be in a hurry and not be experts: no wording calls a file forged or genuine, and each
names the clips that the file was compared with.
"""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.video.decision import MIN_FRAMES_PER_SECOND
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OK, OffsetSegment, SyncResult
from avsync.scoring.video.segments import Segment
from avsync.scoring.video.tolerance import Tolerated
from avsync.units import FRAMES_PER_SECOND

# What changes more often, or has more parts, is described by its range.
MAX_SEGMENTS = 3

BLIND_SPOT = (
    "A consistent file is not proven genuine: a manipulation that keeps lip sync, or that changes "
    "a few words of a long file, can go unnoticed."
)

Result = TypeVar("Result", bound=SyncResult)


def with_message(result: Result, reference: Reference, *, remark: str = "") -> Result:
    """The decided result with its verdict in words, and the remark; unchanged without a score."""
    if result.status != OK:
        return result
    parts = (sentence(result, reference), relative_offset_text(result), remark)
    return dataclasses.replace(result, message="; ".join(part for part in parts if part))


def sentence(result: SyncResult, reference: Reference) -> str:
    """The verdict in words."""
    match result.verdict:
        case "consistent":
            return f"lip sync consistent with the {reference.clips}"
        case "out_of_sync":
            causes = "; possible causes: an edit, dropped frames, clock drift, manipulation"
            return (
                f"{offset_text(result.offsets, result.reference_offset_frames)}; realigned, "
                f"{_fit_text(result, reference)}{causes if len(result.offsets) > 1 else ''}"
            )
        case "partly_mismatched":
            return (
                f"lip sync consistent with the {reference.clips} except {spans(result.segments)}: "
                "partial manipulation, another voice, or hidden lips"
            )
        case "mismatched" if result.offset_is_certain:
            return "mismatch although the sound fits best in sync: manipulation, or hidden lips"
        case "mismatched":
            return "mismatch, and no offset explains it: dubbing, music, or manipulation"
    text = f"not judged: {_reason_text(result, reference)}"
    frames = result.relative_offset_frames or 0
    if not result.offset_is_certain and abs(frames) >= MIN_DESYNC_FRAMES:
        text += f"; best offset {seconds(result.offset_seconds or 0.0)}, uncertain"
    return text


def _fit_text(result: SyncResult, reference: Reference) -> str:
    """How the sound fits once it is moved to where it fits best."""
    if result.reason is not None:
        return f"the fit is not judged: {_reason_text(result, reference)}"
    if not reference.is_alarm(result.p_value_resynced):
        return f"lip sync is consistent with the {reference.clips}"
    if result.segments:
        return f"it does not fit in {spans(result.segments)}"
    return "a mismatch is left"


def _reason_text(result: SyncResult, reference: Reference) -> str:
    match result.reason:
        case "low_frame_rate":
            return f"less than {MIN_FRAMES_PER_SECOND} frames per second"
        case "another_face_talks":
            return "the speech fits another face"
        case "voice_over":
            return "a voice-over, speech while the lips are still"
        case "unlike_reference_clips":
            return f"{' and '.join(result.unlike)} unlike the {reference.clips}"
        case "nothing_left":
            return "too little of the file is left then"
    number = reference.num_clips
    return f"the checkpoint has {f'only {number}' if number else 'no'} calibration clips"


def spans(segments: Sequence[Segment]) -> str:
    """Segments in words: "3.2 to 5.5 s", "1 to 2 s and 61:02 to 61:04"."""
    if len(segments) > MAX_SEGMENTS:
        total = sum(segment.end - segment.start for segment in segments)
        ends = f"{clock(segments[0].start)} and {clock(segments[-1].end)}"
        return f"{len(segments)} segments of {total:.1f} s in all between {ends}"
    texts = [f"{clock(s.start).removesuffix(' s')} to {clock(s.end)}" for s in segments]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def relative_offset_text(result: SyncResult) -> str:
    """The text "offset +0.08 s, as all of the reference clips"; "" if those are in sync."""
    usual, own = result.reference_offset_frames, result.offset_frames
    if not usual or own is None or not result.offset_is_certain:
        return ""
    text = seconds(result.offset_seconds or 0.0)
    if own == usual:
        return f"offset {text}, as all of the reference clips"
    return f"offset {text}, where all of the reference clips have {_frames_text(usual)}"


def offset_text(offsets: Sequence[OffsetSegment], usual: int = 0) -> str:
    """The offsets in words: "out of sync by +0.20 s (sound late)".

    "in sync until 1.5 s, then out of sync by +0.24 s (sound late)" if the offset changes. They are
    relative to that of the reference clips, `usual`.
    """
    offsets = [segment.earlier(usual) for segment in offsets]
    if len(offsets) > MAX_SEGMENTS:
        times = [segment.offset_seconds for segment in offsets]
        return (
            f"the A/V offset changes {len(offsets) - 1} times, between {seconds(min(times))} and "
            f"{seconds(max(times))}"
        )
    parts = [f"{_described(segment)} until {clock(segment.end)}" for segment in offsets[:-1]]
    text = ", then ".join([*parts, _described(offsets[-1])])
    return f"{text}, relative to the reference clips" if usual else text


def offset_cell(result: SyncResult) -> str:
    """The offset in a table: "+0.20 s", "-0.04 to +0.24 s" if it changes, else "unclear"."""
    if not result.offset_is_certain:
        return "unclear"
    times = [segment.offset_seconds for segment in result.offsets]
    if len(times) > 1:
        return f"{seconds(min(times)).removesuffix(' s')} to {seconds(max(times))}"
    return seconds(result.offset_seconds or 0.0)


def seconds(time: float) -> str:
    """A signed time: "+0.20 s"."""
    return f"{round(time, 2) + 0:+.2f} s"


def clock(time: float) -> str:
    """A time in a file: "1.24 s", or "61:02" beyond a minute."""
    if abs(time) < 60:
        return f"{time:.4g} s"
    return f"{int(time // 60)}:{time % 60:04.1f}".removesuffix(".0")


def percent(share: float) -> str:
    """A share in percent: "5%", "0.1%"."""
    return f"{100 * share:.3g}%"


def p_value_text(result: SyncResult, reference: Reference) -> str:
    """The p-value with its meaning; "" if it is unknown."""
    if result.p_value is None:
        return ""
    if result.num_pieces == 1:
        number = max(0, round(result.p_value * (reference.num_clips + 1)) - 1)
        text = f"{number} of {reference.num_clips} {reference.clips} score at least as high"
    else:
        length = (reference.piece_frames or 0) / FRAMES_PER_SECOND
        text = (
            f"the worst of {result.num_pieces} pieces of about {length:.1f} s, for their number, "
            f"each compared with {reference.num_clips} {reference.clips}"
        )
    return (
        f"p = {p_text(result.p_value)}: {text}. This is not the probability that the file is real."
    )


def p_text(p_value: float) -> str:
    """A p-value: "0.218", "0.0012", "<0.0001"."""
    if p_value >= 0.01:
        return f"{p_value:.3f}"
    return "<0.0001" if p_value < 0.0001 else f"{p_value:.4f}"


def comparison(reference: Reference) -> str:
    """The basis of p-values and verdicts, and their limits, in words."""
    if not reference.num_clips:
        return "No p-values: the checkpoint has no calibration clips."
    text = f"Compared with {reference.num_clips} {reference.clips} from {reference.source}"
    rate = percent(reference.false_alarm_rate)
    if reference.threshold is None:
        return f"{text}: too few for a false-alarm rate of {rate}."
    domain = reference.caution or (
        "Other speakers, cameras, rooms or languages may exceed it far more often."
    )
    return (
        f"{text}: a false-alarm rate of {rate} puts the threshold at {reference.threshold:.2f}. "
        f"{_removed_offset(reference)}{domain} {BLIND_SPOT}"
    )


def caution(reference: Reference) -> str:
    """The basis of a verdict and its limits, in one line for a picture."""
    if not reference.num_clips:
        return comparison(reference)
    return (
        f"Compared with {reference.num_clips} {reference.clips} from {reference.source}. "
        "No verdict proves a file genuine or manipulated."
    )


def _removed_offset(reference: Reference) -> str:
    """A sentence on the A/V offset that all reference clips have; "" if they are in sync."""
    if not reference.offset_frames:
        return ""
    offset = _frames_text(reference.offset_frames)
    return f"Their A/V offset of {offset} is removed before the comparison, also from files. "


def _frames_text(frames: int) -> str:
    return seconds(frames / FRAMES_PER_SECOND)


def tolerance_text(tolerated: Tolerated) -> str:
    """Whether an offset is tolerated, in words: "fails ebu (sound 40 ms early to 60 ms late)"."""
    name, lead, lag = tolerated.tolerance
    limits = f"{name} (sound {lead:g} ms early to {lag:g} ms late)"
    if tolerated.passes is None:
        return f"not known to pass {limits}"
    return f"{'passes' if tolerated.passes else 'fails'} {limits}"


def status_text(result: SyncResult) -> str:
    """The reason for a missing score: "no_audio: the file has no audio stream"."""
    return f"{result.status}: {result.message}"


def _described(segment: OffsetSegment) -> str:
    if abs(segment.offset_frames) < MIN_DESYNC_FRAMES:
        return "in sync"
    is_late = segment.offset_frames > 0
    late = f"sound {'late' if is_late else 'early'}"
    return f"out of sync by {seconds(segment.offset_seconds)} ({late})"
