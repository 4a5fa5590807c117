"""offset_logits to scores: of a frame, of a clip, and the offset that the clip prefers.

Scores grow with fakeness.
"""

from avsync.scoring.abstention import Abstention, abstention, no_speech
from avsync.scoring.cosine import cosine_low_percentile, cosine_max_shift
from avsync.scoring.drift import MIN_DESYNC_FRAMES, OffsetStretch, offset_stretches
from avsync.scoring.frames import FRAME_SCORES, frame_scores, require_rule
from avsync.scoring.offset import (
    clip_offset,
    offset_evidence,
    offset_margin,
    offset_support,
    resynced,
)
from avsync.scoring.pooling import POOLINGS, clip_score, require_pooling

__all__ = [
    "FRAME_SCORES",
    "MIN_DESYNC_FRAMES",
    "POOLINGS",
    "Abstention",
    "OffsetStretch",
    "abstention",
    "clip_offset",
    "clip_score",
    "cosine_low_percentile",
    "cosine_max_shift",
    "frame_scores",
    "no_speech",
    "offset_evidence",
    "offset_margin",
    "offset_stretches",
    "offset_support",
    "require_pooling",
    "require_rule",
    "resynced",
]
