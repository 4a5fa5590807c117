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


class Judgement(NamedTuple):
    """What the clips say together.

    score: pooled over all frames, as they are in the file; grows with fakeness.
    offset_frames: the shift that they prefer together; +n means that the sound comes n frames late.
    score_resynced: the score of the clips moved by that offset; None if too little of them is left.
    support: of each offset, -reach to +reach, the mean log-probability.
    frame_offset: the offset at which the score is the lower one: 0 or `offset_frames`.
    frame_scores: of each clip, at that offset; NaN for a frame whose sound lies beyond its clip.
    """

    score: float
    offset_frames: int
    score_resynced: float | None
    support: Float[np.ndarray, " k"]
    frame_offset: int
    frame_scores: list[Float[np.ndarray, " _"]]


class Judge:
    """The model and the rules of a scorer, for clips of any length."""

    def __init__(self, scorer: Scorer):
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
        judgement = Judgement(score, offset, score, support, 0, frames)
        return self._resynced(clips, judgement) if offset else judgement

    def _resynced(self, clips: Sequence[LongClip], judgement: Judgement) -> Judgement:
        """The judgement with what is known only once the clips are moved to its offset.

        They go through the model once more: to read another column of the same logits would not
        do. What encoders see of the ends of a clip tells them where in it they are, so that there
        each frame fits the sound of the same place, be it its own or not.
        """
        offset = judgement.offset_frames
        frames = []
        for clip in clips:
            moved = clip.resynced(offset)
            scores = np.full(clip.num_frames, np.nan, np.float32)
            if moved.num_frames >= MIN_FRAMES:
                first = max(0, -offset)
                scores[first : first + moved.num_frames] = self._scores(self.logits(moved))
            frames.append(scores)
        if not np.isfinite(np.concatenate(frames)).any():
            return judgement._replace(score_resynced=None)
        score = self._pooled(frames)
        if score >= judgement.score:
            return judgement._replace(score_resynced=score)
        return judgement._replace(score_resynced=score, frame_offset=offset, frame_scores=frames)

    def _scores(self, logits: Logits) -> Float[np.ndarray, " t"]:
        row, _ = _padded(logits)
        return np.asarray(self._frame_scores(row))[0, : len(logits)]

    def _pooled(self, frames: list[Float[np.ndarray, " _"]]) -> float:
        scores = np.concatenate(frames)
        return self._pool(*_padded(scores[np.isfinite(scores)])).item()


def _padded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A batch of one row, padded behind, and which of it is valid."""
    num_frames = SHORTEST_FRAMES
    while num_frames < len(values):
        num_frames *= 2
    row = np.zeros((1, num_frames, *values.shape[1:]), np.float32)
    row[0, : len(values)] = values
    return row, np.arange(num_frames)[None] < len(values)
