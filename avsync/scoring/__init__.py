"""offset_logits to frame scores, clip scores, and the A/V offset. Scores grow with fakeness."""

from avsync.scoring.abstention import Abstention, abstention, no_speech
from avsync.scoring.cosine import cosine_low_percentile, cosine_max_shift
from avsync.scoring.frames import FRAME_SCORES, frame_scores, require_rule
from avsync.scoring.offset import (
    clip_offset,
    offset_evidence,
    offset_is_measured,
    offset_margin,
    offset_reach,
    offset_support,
    realigned,
)
from avsync.scoring.offset_runs import MIN_DESYNC_FRAMES, OffsetRun, certain_runs, offset_runs
from avsync.scoring.pooling import POOLINGS, clip_score, require_pooling
from avsync.scoring.smoothing import smoothed, window_means

__all__ = [
    "FRAME_SCORES",
    "MIN_DESYNC_FRAMES",
    "POOLINGS",
    "Abstention",
    "OffsetRun",
    "abstention",
    "certain_runs",
    "clip_offset",
    "clip_score",
    "cosine_low_percentile",
    "cosine_max_shift",
    "frame_scores",
    "no_speech",
    "offset_evidence",
    "offset_is_measured",
    "offset_margin",
    "offset_reach",
    "offset_runs",
    "offset_support",
    "realigned",
    "require_pooling",
    "require_rule",
    "smoothed",
    "window_means",
]
