"""The verdict on a face or a file, and whether its offset is believed: decided here alone.

The first of these that holds:

1. not_judged: too few frames per second; another face talks; speech while the lips are still.
2. out_of_sync: the sound is late or early by a known offset, whether it fits there or not. These
   are two statements: a network hears an offset on talkers whose fit it cannot judge.
3. not_judged: too few reference clips for a threshold.
4. consistent: no alarm, see `Reference.is_alarm`.
5. not_judged: an alarm on mouths or voices unlike those of the reference clips, which may be the
   only reason for it. Without an alarm such a file is consistent: sound that belongs to another
   face does not fit better because the face is a strange one.
6. partly_mismatched: the rest does fit, by evidence, and is a quarter of what was scored at least.
7. mismatched.
"""

import dataclasses
from typing import TypeVar

from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OK, Reason, SyncResult, Verdict

# Of 16 genuine clips thinned to 4, 5, 6, 7, 8 and 10 frames per second, the shipped scorer calls
# 13, 9, 10, 6, 2 and 1 mismatched or edited: nominally 10 and more come close to its 5%.
MIN_FRAMES_PER_SECOND = 9.5

# From this share on, what does not fit is the rule, and the rest the exception.
MISMATCHED_SHARE = 0.75

# The openings of a mouth, in distances between the eyes, vary by 0.020 or more (standard deviation)
# during the speech of each of 110 GRID clips, and by 0.006 to 0.010 while the lips of a face rest.
MIN_LIP_MOTION = 0.013

# The reasons that leave nothing to judge.
OBSTACLES: tuple[Reason, ...] = ("low_frame_rate", "another_face_talks", "voice_over")

Result = TypeVar("Result", bound=SyncResult)


def obstacle(
    *, frames_per_second: float, is_listener: bool, lip_motion: float | None
) -> Reason | None:
    """Why a face cannot be judged at all; None if it can.

    `lip_motion` is the standard deviation of the opening of its mouth while there is speech.
    """
    if frames_per_second < MIN_FRAMES_PER_SECOND:
        return "low_frame_rate"
    if is_listener:
        return "another_face_talks"
    if lip_motion is not None and lip_motion < MIN_LIP_MOTION:
        return "voice_over"
    return None


def decided(result: Result, reference: Reference, *, why_not: Reason | None = None) -> Result:
    """The result with its `verdict` and `reason`; unchanged without a score.

    `why_not` is that of `obstacle`: then no offset is believed either.
    """
    if result.status != OK:
        return result
    if why_not is not None:
        changes = {"verdict": "not_judged", "reason": why_not, "segments": ()}
        return dataclasses.replace(result, offset_is_certain=False, **changes)
    verdict, reason = _decide(result, reference)
    # Where the fit is not judged, no part of the file is accused either.
    segments = () if reason else result.segments
    return dataclasses.replace(result, verdict=verdict, reason=reason, segments=segments)


def _decide(result: SyncResult, reference: Reference) -> tuple[Verdict, Reason | None]:
    if result.is_shifted:
        return "out_of_sync", fit_reason(result, reference)
    if reference.threshold is None:
        return "not_judged", "too_few_reference_clips"
    if not reference.is_alarm(result.p_value):
        return "consistent", None
    if result.unlike:
        return "not_judged", "unlike_reference_clips"
    if result.rest_fits and (result.mismatched_share or 0.0) < MISMATCHED_SHARE:
        return "partly_mismatched", None
    return "mismatched", None


def fit_reason(result: SyncResult, reference: Reference) -> Reason | None:
    """Why nothing is said about how the sound fits after realignment; None if something is."""
    if reference.threshold is None:
        return "too_few_reference_clips"
    if result.p_value_resynced is None:
        return "nothing_left"
    is_alarm = reference.is_alarm(result.p_value_resynced)
    return "unlike_reference_clips" if is_alarm and result.unlike else None
