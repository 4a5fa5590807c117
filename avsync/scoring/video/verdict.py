"""The verdict on a result, and its wording in the terminal, in scores.json and in the picture.

Readers may be in a hurry and not be experts: no wording calls a file forged or genuine, and each
names the clips that the file was compared with.
"""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OK, OffsetSegment, SyncResult
from avsync.units import FRAMES_PER_SECOND

# An offset that changes more often is described by its range.
MAX_SEGMENTS = 3

# Of 16 genuine clips thinned to 4, 5, 6, 7, 8 and 10 frames per second, the shipped scorer calls
# 13, 9, 10, 6, 2 and 1 mismatched or edited: nominally 10 and more come close to its 5%.
MIN_FRAMES_PER_SECOND = 9.5

BLIND_SPOT = (
    "A consistent file is not proven genuine: a manipulation that keeps lip sync, or that changes "
    "a few words of a long file, can go unnoticed."
)

Result = TypeVar("Result", bound=SyncResult)


def with_verdict(
    result: Result,
    reference: Reference,
    *,
    remark: str = "",
    frames_per_second: float = float(FRAMES_PER_SECOND),
) -> Result:
    """The result with `offset_is_certain`, `verdict` and `message`; unchanged without a score.

    The three are decided here and nowhere else. `remark` is appended to the message. Video of fewer
    than `MIN_FRAMES_PER_SECOND` is not judged: that alone can look like an edit or a mismatch.
    """
    if result.status != OK:
        return result
    if frames_per_second < MIN_FRAMES_PER_SECOND:
        result = dataclasses.replace(result, offset_is_certain=False, verdict="not_judged")
        parts = [_not_judged(result, f"less than {MIN_FRAMES_PER_SECOND} frames per second")]
    else:
        result = dataclasses.replace(result, offset_is_certain=reference.is_certain(result))
        result = dataclasses.replace(result, verdict=reference.verdict(result))
        parts = [sentence(result, reference)]
    parts += [relative_offset_text(result), remark]
    return dataclasses.replace(result, message="; ".join(part for part in parts if part))


def sentence(result: SyncResult, reference: Reference) -> str:
    """The verdict in words."""
    match result.verdict:
        case "consistent":
            return f"lip sync consistent with the {reference.clips}"
        case "out_of_sync":
            causes = "; possible causes: an edit, dropped frames, clock drift, manipulation"
            return (
                f"{offset_text(result.offsets, result.reference_offset_frames)}; realigned, lip "
                f"sync is consistent with the "
                f"{reference.clips}{causes if len(result.offsets) > 1 else ''}"
            )
        case "mismatched" if result.fits_somewhere and not result.is_shifted:
            return (
                "mismatch although the sound fits best in sync: partial manipulation, or "
                "out-of-domain video"
            )
        case "mismatched":
            return "mismatch at every offset: dubbing, music, manipulation, or out-of-domain video"
    number = reference.num_clips
    count = f"only {number} calibration clips" if number else "no calibration clips"
    return _not_judged(result, f"the checkpoint has {count}")


def relative_offset_text(result: SyncResult) -> str:
    """The text "offset +0.08 s, as all of the reference clips"; "" if those are in sync."""
    usual, own = result.reference_offset_frames, result.offset_frames
    if not usual or own is None or not result.offset_is_certain:
        return ""
    if own == usual:
        return f"offset {seconds(own)}, as all of the reference clips"
    return f"offset {seconds(own)}, where all of the reference clips have {seconds(usual)}"


def offset_text(offsets: Sequence[OffsetSegment], usual: int = 0) -> str:
    """The offsets in words: "out of sync by +0.20 s (sound late)".

    "in sync until 1.5 s, then out of sync by +0.24 s (sound late)" if the offset changes. They are
    relative to that of the reference clips, `usual`.
    """
    relative = [x._replace(offset_frames=x.offset_frames - usual) for x in offsets]
    merged = _merged(relative)
    if len(merged) > MAX_SEGMENTS:
        frames = [segment.offset_frames for segment in merged]
        return (
            f"the A/V offset changes {len(merged) - 1} times, between {seconds(min(frames))} and "
            f"{seconds(max(frames))}"
        )
    parts = [f"{_described(segment)} until {clock(segment.end)}" for segment in merged[:-1]]
    text = ", then ".join([*parts, _described(merged[-1])])
    return f"{text}, relative to the reference clips" if usual else text


def offset_cell(result: SyncResult) -> str:
    """The offset in a table: "+0.20 s", "-0.04 to +0.24 s" if it changes, else "unclear"."""
    if not result.offset_is_certain:
        return "unclear"
    frames = {segment.offset_frames for segment in result.offsets}
    if len(frames) > 1:
        return f"{seconds(min(frames)).removesuffix(' s')} to {seconds(max(frames))}"
    return seconds(result.offset_frames or 0)


def seconds(frames: int) -> str:
    """Frames as signed seconds: "+0.20 s"."""
    return f"{frames / FRAMES_PER_SECOND:+.2f} s"


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
        number = round(result.p_value * (reference.num_clips + 1)) - 1
        text = f"{number} of {reference.num_clips} {reference.clips} score at least as high"
    else:
        length = (reference.piece_frames or 0) / FRAMES_PER_SECOND
        text = (
            f"combined from {result.num_pieces} pieces of about {length:.1f} s, each compared with "
            f"{reference.num_clips} {reference.clips}"
        )
    return f"p = {result.p_value:.3f}: {text}. This is not the probability that the file is real."


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


def _removed_offset(reference: Reference) -> str:
    """A sentence on the A/V offset that all reference clips have; "" if they are in sync."""
    if not reference.offset_frames:
        return ""
    offset = seconds(reference.offset_frames)
    return f"Their A/V offset of {offset} is removed before the comparison, also from files. "


def status_text(result: SyncResult) -> str:
    """The reason for a missing score: "no_audio: the file has no audio stream"."""
    return f"{result.status}: {result.message}"


def _not_judged(result: SyncResult, reason: str) -> str:
    text = f"not judged: {reason}"
    if result.is_shifted:
        text += f"; best offset {seconds(result.offset_frames or 0)}, uncertain"
    return text


def _merged(offsets: Sequence[OffsetSegment]) -> list[OffsetSegment]:
    """The segments, neighbours merged whose offsets differ by less than a desync."""
    merged: list[OffsetSegment] = []
    for segment in offsets:
        if merged and abs(segment.offset_frames - merged[-1].offset_frames) < MIN_DESYNC_FRAMES:
            merged[-1] = merged[-1]._replace(end=segment.end)
        else:
            merged.append(segment)
    return merged


def _described(segment: OffsetSegment) -> str:
    frames = segment.offset_frames
    if abs(frames) < MIN_DESYNC_FRAMES:
        return "in sync"
    return f"out of sync by {seconds(frames)} (sound {'late' if frames > 0 else 'early'})"
