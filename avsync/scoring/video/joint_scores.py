"""What the model says about clips: by themselves, and taken together."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from avsync.scoring import OffsetRun
from avsync.scoring.offset_gain import BestOffset, Gains
from avsync.scoring.video.reference import Distances

Logits = Float[np.ndarray, "_ k"]
FrameScores = Float[np.ndarray, " _"]


class Heard(NamedTuple):
    """A clip after its first pass through the model.

    gains: see `avsync.scoring.offset_gain.candidate_gains`.
    distances: by stream of `Reference.domain`, those of its windows from the reference clips.
    """

    logits: Logits
    gains: Gains
    distances: Mapping[str, Distances]


class ScoredPiece(NamedTuple):
    """The score of frames [first, end) of clip `clip`, scored as a clip of its own."""

    clip: int
    first: int
    end: int
    score: float


class JointScores(NamedTuple):
    """Scores and offsets of clips taken together; "realigned" means moved by `offsets`.

    score: pooled over all frames that count, as in the file; grows with fakeness.
    best: the offset they prefer together.
    is_certain: True if `offsets` are known; otherwise they are `best`, a guess.
    offsets: per clip, runs of one offset each.
    support: the evidence for each offset from -reach to +reach, in nats per frame over chance.
    score_realigned: the score after realignment; None if too little of every clip is left.
    frame_scores: per clip, as in the file; NaN for a frame that does not count.
    frame_scores_realigned: per clip, NaN also for a frame whose sound lies beyond the clip.
    pieces: of all clips, as in the file; without those in which too few frames count.
    pieces_realigned: the same after realignment; [] if too little is left.
    """

    score: float
    best: BestOffset
    is_certain: bool
    offsets: list[list[OffsetRun]]
    support: Float[np.ndarray, " k"]
    score_realigned: float | None
    frame_scores: list[FrameScores]
    frame_scores_realigned: list[FrameScores]
    pieces: list[ScoredPiece]
    pieces_realigned: list[ScoredPiece]
