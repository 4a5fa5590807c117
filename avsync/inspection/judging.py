"""offset_logits of a clip, or of several that belong together, to a score and an offset."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from avsync import scoring
from avsync.inspection.windows import LongClip, offset_logits
from avsync.prepare.decode import MIN_FRAMES
from avsync.scoring.scorer import Scorer
from avsync.units import FRAMES_PER_SECOND

Logits = Float[np.ndarray, "_ k"]

# Lengths are rounded up to 2^n seconds: a handful of shapes to compile for.
SHORTEST_FRAMES = FRAMES_PER_SECOND

# Of a clip of which too little is left to have any.
LOST = np.zeros(0, np.float32)


class Judgement(NamedTuple):
    """What the clips say together.

    score: pooled over all frames, as they are in the file; grows with fakeness.
    offset_frames: the shift that they prefer together; +n means that the sound comes n frames late.
    score_resynced: the score of the clips moved by that offset; None if too little of them is left.
    support: of each offset, -reach to +reach, the mean log-probability.
    frame_offset: the offset at which the score is the lower one: 0 or `offset_frames`.
    frame_scores: of each clip, at that offset; NaN for a frame whose sound lies beyond its clip.
    piece_scores: of the pieces of all clips, each taken for a clip of its own, as in the file.
    piece_scores_resynced: the same of the clips moved by the offset; [] if too little is left.
    """

    score: float
    offset_frames: int
    score_resynced: float | None
    support: Float[np.ndarray, " k"]
    frame_offset: int
    frame_scores: list[Float[np.ndarray, " _"]]
    piece_scores: list[float]
    piece_scores_resynced: list[float]


class Judge:
    """The model and the rules of a scorer, for clips of any length.

    With `piece_frames` clips are judged in pieces of about that length too: however a score is
    pooled, its distribution depends on the length, so that it can be compared with those of equally
    long clips alone. Without it a clip is its own only piece.
    """

    def __init__(self, scorer: Scorer, *, piece_frames: int | None):
        self._piece_frames = piece_frames
        self._params = jax.device_put(scorer.params)
        self._apply = jax.jit(scorer.apply)
        self._support = jax.jit(scoring.offset_support)
        self._frame_scores = jax.jit(
            functools.partial(scoring.frame_scores, name=scorer.frame_score)
        )
        self._pool = jax.jit(functools.partial(scoring.clip_score, pooling=scorer.pooling))

    def logits(self, clip: LongClip) -> Logits:
        """How well each frame of the clip goes with each of the audio frames around it."""
        return offset_logits(clip, functools.partial(self._apply, self._params))

    def judge(self, clips: Sequence[LongClip], *, logits: Sequence[Logits]) -> Judgement:
        """`clips`, at least one with at least one frame, and what `logits` says of each."""
        supports = [np.asarray(self._support(*_padded(each)))[0] for each in logits]
        support = np.average(supports, axis=0, weights=[len(each) for each in logits])
        offset = int(np.argmax(support)) - len(support) // 2
        frames = [self._scores(each) for each in logits]
        score = self._pooled(frames)
        pieces = self._piece_scores(clips, frames)
        judgement = Judgement(score, offset, score, support, 0, frames, pieces, pieces)
        return self._resynced(clips, judgement) if offset else judgement

    def _resynced(self, clips: Sequence[LongClip], judgement: Judgement) -> Judgement:
        """The judgement with what is known only once the clips are moved to its offset.

        They go through the model once more: to read another column of the same logits would not
        do. What encoders see of the ends of a clip tells them where in it they are, so that there
        each frame fits the sound of the same place, be it its own or not.
        """
        offset = judgement.offset_frames
        moved = [clip.resynced(offset) for clip in clips]
        frames = [
            self._scores(self.logits(clip)) if clip.num_frames >= MIN_FRAMES else LOST
            for clip in moved
        ]
        if not sum(map(len, frames)):
            return judgement._replace(score_resynced=None, piece_scores_resynced=[])
        score = self._pooled(frames)
        judgement = judgement._replace(
            score_resynced=score, piece_scores_resynced=self._piece_scores(moved, frames)
        )
        if score >= judgement.score:
            return judgement
        placed = [np.full(clip.num_frames, np.nan, np.float32) for clip in clips]
        for row, scores in zip(placed, frames, strict=True):
            first = max(0, -offset)
            row[first : first + len(scores)] = scores
        return judgement._replace(frame_offset=offset, frame_scores=placed)

    def _piece_scores(
        self, clips: Sequence[LongClip], frames: Sequence[Float[np.ndarray, " _"]]
    ) -> list[float]:
        """`frames` has the frame scores of each clip; [] for one that is left out."""
        found = []
        for clip, scores in zip(clips, frames, strict=True):
            pieces = clip.pieces(self._piece_frames or clip.num_frames) if len(scores) else []
            if len(pieces) > 1:
                found += [self._pooled([self._scores(self.logits(piece))]) for piece in pieces]
            elif pieces:
                found.append(self._pooled([scores]))
        return found

    def _scores(self, logits: Logits) -> Float[np.ndarray, " t"]:
        row, _ = _padded(logits)
        return np.asarray(self._frame_scores(row))[0, : len(logits)]

    def _pooled(self, frames: Sequence[Float[np.ndarray, " _"]]) -> float:
        return self._pool(*_padded(np.concatenate(frames))).item()


def _padded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A batch of one row, padded behind, and which of it is valid."""
    num_frames = SHORTEST_FRAMES
    while num_frames < len(values):
        num_frames *= 2
    row = np.zeros((1, num_frames, *values.shape[1:]), np.float32)
    row[0, : len(values)] = values
    return row, np.arange(num_frames)[None] < len(values)
