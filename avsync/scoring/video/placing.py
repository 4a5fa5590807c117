"""Whether the offsets that were found in a file can be believed.

Some offset always fits best, of swapped sound too, and the more often it may change, the better it
fits.
"""

from avsync.scoring import MIN_DESYNC_FRAMES
from avsync.scoring.drift import CHANGE_NATS
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.result import Finding

# What is moved to where it fits best, of many places, fits by that alone: it must do so better than
# this many times the reals that are alarms, and change its offset at most once a piece. Of 100 GRID
# reals whose sound was made late 97 do, of as many with a late second half 94; of those with the
# sound of another sentence 45 would do if being no alarm were enough, so 2 (validation split).
SHIFT_FACTOR = 2


def is_believed(finding: Finding, reference: Reference) -> bool:
    """Whether the sound lies where the offsets say: where it is, or clearly better elsewhere.

    Without enough reals to compare with, what is out of sync cannot be believed.
    """
    if not is_shifted(finding):
        return has_offset(finding)
    if finding.score_resynced is None or finding.p_value_resynced is None:
        return False
    fits = finding.p_value_resynced > SHIFT_FACTOR * reference.false_alarm_rate
    is_better = finding.score_resynced < (finding.score or 0.0)
    is_steady = len(finding.offsets) - 1 <= finding.num_pieces
    is_clear = (finding.offset_gain or 0.0) >= CHANGE_NATS
    return reference.threshold is not None and fits and is_better and is_steady and is_clear


def is_shifted(finding: Finding) -> bool:
    """Whether the sound fits best, and better than by chance, elsewhere than where it is."""
    shifts = [abs(span.offset_frames) for span in finding.offsets]
    return has_offset(finding) and max(shifts, default=0) >= MIN_DESYNC_FRAMES


def has_offset(finding: Finding) -> bool:
    """Whether the sound fits better than by chance at any offset; else the best means nothing."""
    return finding.offset_evidence is not None and finding.offset_evidence > 0
