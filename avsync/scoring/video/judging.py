"""offset_logits of a clip, or of several that belong together, to a score and an offset."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from avsync import scoring
from avsync.scoring import OffsetStretch
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.resyncing import resynced
from avsync.scoring.video.windows import LongClip, offset_logits
from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES

Logits = Float[np.ndarray, "_ k"]

# Lengths are rounded up to 2^n seconds: a handful of shapes to compile for.
SHORTEST_FRAMES = FRAMES_PER_SECOND

# Of a clip of which too little is left to have any.
LOST = np.zeros(0, np.float32)


class Judgement(NamedTuple):
    """What the clips say together.

    score: pooled over all frames, as they are in the file; grows with fakeness.
    offset_frames: the shift that they prefer together; +n means that the sound comes n frames late.
    offset_evidence: how much better than by chance they fit at `offsets`, in nats a frame.
    offset_gain: how much better than in sync they fit at `offsets`, in nats over all frames.
    support: of each offset, -reach to +reach, the mean log-probability.
    evidence: of each clip, `avsync.scoring.offset_evidence`.
    offsets: of each clip, stretches of one offset each.
    score_resynced: the score of the clips moved by these offsets; None if too little is left.
    frame_scores: of each clip, as it is in the file.
    frame_scores_resynced: of each clip so moved; NaN for a frame whose sound lies beyond it.
    piece_scores: of the pieces of all clips, each taken for a clip of its own, as in the file.
    piece_scores_resynced: the same of the clips moved by their offsets; [] if too little is left.
    """

    score: float
    offset_frames: int
    offset_evidence: float
    offset_gain: float
    support: Float[np.ndarray, " k"]
    evidence: list[Logits]
    offsets: list[list[OffsetStretch]]
    score_resynced: float | None
    frame_scores: list[Float[np.ndarray, " _"]]
    frame_scores_resynced: list[Float[np.ndarray, " _"]]
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
        self._evidence = jax.jit(scoring.offset_evidence)
        self._frame_scores = jax.jit(
            functools.partial(scoring.frame_scores, name=scorer.frame_score)
        )
        self._pool = jax.jit(functools.partial(scoring.clip_score, pooling=scorer.pooling))

    def logits(self, clip: LongClip) -> Logits:
        """How well each frame of the clip goes with each of the audio frames around it."""
        return offset_logits(clip, functools.partial(self._apply, self._params))

    def judge(self, clips: Sequence[LongClip], *, logits: Sequence[Logits]) -> Judgement:
        """`clips`, at least one with at least one frame, and what `logits` says of each."""
        evidence = [np.asarray(self._evidence(*_padded(row)))[0, : len(row)] for row in logits]
        joined = np.concatenate(evidence)
        stretches = scoring.offset_stretches(joined)
        # Frames that tell nothing have no evidence at all, and no say.
        num_telling = int(joined.any(axis=1).sum())
        support = joined.sum(axis=0) / num_telling
        reach = len(support) // 2
        along = sum(
            float(joined[first:end, reach + offset].sum()) for first, end, offset in stretches
        )
        offsets = _of_each(clips, stretches)
        frames = [self._scores(each) for each in logits]
        score = self._pooled(frames)
        pieces = self._piece_scores(clips, frames)
        judgement = Judgement(
            score=score,
            offset_frames=int(np.argmax(support)) - reach,
            # Chance gives each of K offsets a log-probability of -ln K.
            offset_evidence=along / num_telling + math.log(len(support)),
            offset_gain=along - float(joined[:, reach].sum()),
            support=support,
            evidence=evidence,
            offsets=offsets,
            score_resynced=score,
            frame_scores=frames,
            frame_scores_resynced=frames,
            piece_scores=pieces,
            piece_scores_resynced=pieces,
        )
        is_late = any(stretch.offset_frames for own in offsets for stretch in own)
        return self._resynced(clips, judgement) if is_late else judgement

    def _resynced(self, clips: Sequence[LongClip], judgement: Judgement) -> Judgement:
        """The judgement with what is known only once the clips are moved by their offsets.

        They go through the model once more: to read another column of the same logits would not
        do. What encoders see of the ends of a clip tells them where in it they are, so that there
        each frame fits the sound of the same place, be it its own or not.
        """
        moved = [resynced(*each) for each in zip(clips, judgement.offsets, strict=True)]
        frames = [
            self._scores(self.logits(clip)) if clip.num_frames >= MIN_FRAMES else LOST
            for clip, _ in moved
        ]
        placed = [np.full(clip.num_frames, np.nan, np.float32) for clip in clips]
        for row, scores, (_, origin) in zip(placed, frames, moved, strict=True):
            row[origin[: len(scores)]] = scores
        return judgement._replace(
            score_resynced=self._pooled(frames) if any(map(len, frames)) else None,
            piece_scores_resynced=self._piece_scores([clip for clip, _ in moved], frames),
            frame_scores_resynced=placed,
        )

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


def _of_each(
    clips: Sequence[LongClip], stretches: Sequence[OffsetStretch]
) -> list[list[OffsetStretch]]:
    """Of each clip its own, where `stretches` are those of all clips in a row."""
    found, start = [], 0
    for clip in clips:
        inside = [
            OffsetStretch(max(0, first - start), min(clip.num_frames, end - start), offset)
            for first, end, offset in stretches
        ]
        found.append([stretch for stretch in inside if stretch.first < stretch.end])
        start += clip.num_frames
    return found


def _padded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A batch of one row, padded behind, and which of it is valid."""
    num_frames = SHORTEST_FRAMES
    while num_frames < len(values):
        num_frames *= 2
    row = np.zeros((1, num_frames, *values.shape[1:]), np.float32)
    row[0, : len(values)] = values
    return row, np.arange(num_frames)[None] < len(values)
