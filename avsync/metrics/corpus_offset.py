"""The A/V offset that the real clips of a corpus share: an encoder delay, a camera.

Its estimate is the median over clips, which a minority of wrong offsets does not move, with the
exact interval of order statistics (Conover, Practical Nonparametric Statistics, 3rd ed., sec. 3.2).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from scipy import stats

from avsync.units import FRAMES_PER_SECOND

TAIL = 0.025  # on each side of a 95% interval

# With fewer clips, the clips of one or two takes could be most of them.
MIN_CLIPS = 20

# A constant is common to most clips. Where more than a third lie elsewhere, a second camera or a
# model that does not understand the corpus is likelier, and moving all sound would be no cure.
MIN_SHARE = 2 / 3


class CorpusOffset(NamedTuple):
    """The median A/V offset of real clips, in video frames; + means the sound is late.

    median_frames: None without clips. low, high: its 95% interval; None with fewer than 6 clips.
    num_clips: the clips it is taken over; num_left_out: those without a usable offset.
    within_1_frame: the share of `num_clips` within one frame of the median.
    is_sure: whether the interval is a single whole number of frames, over enough clips that agree.
    reason: why it is not sure; "" if it is.
    """

    median_frames: float | None
    low: int | None
    high: int | None
    num_clips: int
    num_left_out: int
    within_1_frame: float | None
    is_sure: bool
    reason: str

    @property
    def constant_frames(self) -> int:
        """The frames by which the sound of the whole corpus is late; 0 if that is not sure."""
        return int(self.median_frames or 0) if self.is_sure else 0

    def described(self) -> str:
        """The text "2 frames (0.08 s late), 95% interval 2 to 2, n = 99 real clips"."""
        if self.median_frames is None:
            return f"unknown: {self.reason}"
        interval = "" if self.low is None else f"95% interval {self.low} to {self.high}, "
        doubt = f"; not sure: {self.reason}" if self.reason else ""
        return (
            f"{in_words(self.median_frames)}, {interval}n = {self.num_clips} real clips, "
            f"{self.within_1_frame:.0%} of them within 1 frame{doubt}"
        )


def corpus_offset(offsets: Int[np.ndarray, " n"], num_left_out: int = 0) -> CorpusOffset:
    """The estimate from the offsets of `n` real clips; clips are taken as independent."""
    num_clips = len(offsets)
    if not num_clips:
        reason = "no real clip has an A/V offset"
        return CorpusOffset(None, None, None, 0, num_left_out, None, False, reason)
    ascending = np.sort(offsets)
    median = float(np.median(ascending))
    # P(fewer than `rank` of n clips lie below the median) <= TAIL.
    rank = int(stats.binom.ppf(TAIL, num_clips, 0.5))
    low, high = (int(ascending[rank - 1]), int(ascending[-rank])) if rank else (None, None)
    share = float(np.mean(np.abs(ascending - median) <= 1))
    reason = ""
    if num_clips < MIN_CLIPS:
        reason = f"only {num_clips} real clips have an A/V offset, and {MIN_CLIPS} are needed"
    elif low != high:
        reason = f"the interval holds several offsets, {low} to {high} frames"
    elif share < MIN_SHARE:
        reason = f"only {share:.0%} of the clips lie within 1 frame of the median"
    return CorpusOffset(median, low, high, num_clips, num_left_out, share, not reason, reason)


def in_words(frames: int | float) -> str:
    """The text "2 frames (0.08 s late)"."""
    if not frames:
        return "0 frames"
    side, seconds = "late" if frames > 0 else "early", abs(frames) / FRAMES_PER_SECOND
    return f"{frames:g} frame{'s' * (abs(frames) != 1)} ({seconds:.2f} s {side})"
