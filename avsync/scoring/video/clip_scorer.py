"""One clip, or several that belong together, to scores and A/V offsets."""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from avsync import scoring
from avsync.scoring import OffsetRun
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.chunks import chunk_size, offset_logits
from avsync.scoring.video.long_clip import LongClip, realigned
from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES

Logits = Float[np.ndarray, "_ k"]
FrameScores = Float[np.ndarray, " _"]

# (stage, frames done, frames of the stage); called after each chunk of frames.
OnProgress = Callable[[str, int, int], None]

# Lengths are rounded up to 2^n seconds: a handful of shapes to compile for.
SHORTEST_FRAMES = FRAMES_PER_SECOND

NO_SCORES = np.zeros(0, np.float32)


def no_progress(stage: str, done: int, total: int) -> None:
    """Shows nothing."""
    del stage, done, total


class JointScores(NamedTuple):
    """Scores and offsets of clips taken together; "realigned" means moved by `offsets`.

    score: pooled over all frames, as in the file; grows with fakeness.
    offset_frames: the offset they prefer together; +n means the sound is n frames late.
    offset_evidence: fit at `offsets` minus the fit of chance, in nats per frame.
    offset_gain: fit at `offsets` minus the fit in sync, in nats summed over all frames.
    support: the mean log-probability of each offset, from -reach to +reach.
    evidence: per clip, `avsync.scoring.offset_evidence`.
    offsets: per clip, runs of one offset each.
    score_realigned: the score after realignment; None if too little of every clip is left.
    frame_scores: per clip, as in the file.
    frame_scores_realigned: per clip, NaN for a frame whose sound lies beyond the clip.
    piece_scores: of the pieces of all clips, each scored as a clip of its own, as in the file.
    piece_scores_realigned: the same after realignment; [] if too little is left.
    """

    score: float
    offset_frames: int
    offset_evidence: float
    offset_gain: float
    support: Float[np.ndarray, " k"]
    evidence: list[Logits]
    offsets: list[list[OffsetRun]]
    score_realigned: float | None
    frame_scores: list[FrameScores]
    frame_scores_realigned: list[FrameScores]
    piece_scores: list[float]
    piece_scores_realigned: list[float]


class ClipScorer:
    """A model and its scoring rules, for clips of any length.

    With `piece_frames`, clips are also scored in pieces of about that length: under any pooling the
    distribution of scores depends on the length, so only clips of equal length can be compared.
    With None, every clip is one piece.
    """

    def __init__(self, scorer: Scorer, *, piece_frames: int | None):
        self._piece_frames = piece_frames
        self._chunk_size = chunk_size(scorer.context)
        # On a CPU, JAX shares the memory of NumPy arrays that begin at a multiple of 64 bytes, as
        # those of `checkpoint.load_params` do: large weights are held once.
        self._params = jax.device_put(scorer.params)
        frame_scores = functools.partial(scoring.frame_scores, name=scorer.frame_score)
        pool = functools.partial(scoring.clip_score, pooling=scorer.pooling)
        self._apply = one_at_a_time(jax.jit(scorer.apply))
        self._evidence = one_at_a_time(jax.jit(scoring.offset_evidence))
        self._frame_scores = one_at_a_time(jax.jit(frame_scores))
        self._pool = one_at_a_time(jax.jit(pool))

    def logits(self, clip: LongClip, *, on_progress: OnProgress = no_progress) -> Logits:
        """offset_logits of every frame."""
        return self._logits_of([clip], stage="model", on_progress=on_progress)[0]

    def score(
        self,
        clips: Sequence[LongClip],
        *,
        logits: Sequence[Logits],
        on_progress: OnProgress = no_progress,
    ) -> JointScores:
        """Scores of `clips` (at least one, none empty) from the `logits` of each.

        Pieces and realigned clips go through the model again, as stages of their own.
        """
        evidence = [np.asarray(self._evidence(*_padded(row)))[0, : len(row)] for row in logits]
        joined = np.concatenate(evidence)
        runs = scoring.offset_runs(joined)
        # Frames that lack candidates carry no evidence and do not count.
        num_searched = [int(own.any(axis=1).sum()) for own in evidence]
        support = joined.sum(axis=0) / sum(num_searched)
        reach = len(support) // 2
        fit = sum(float(joined[first:end, reach + offset].sum()) for first, end, offset in runs)
        offsets = _split_by_clip(runs, clips)
        frame_scores = [self._score_frames(each) for each in logits]
        score = self._pooled(frame_scores)
        piece_scores = self._score_pieces(clips, frame_scores, on_progress)
        scores = JointScores(
            score=score,
            offset_frames=int(np.argmax(support)) - reach,
            offset_evidence=(fit - _chance(clips, num_searched, reach)) / sum(num_searched),
            offset_gain=fit - float(joined[:, reach].sum()),
            support=support,
            evidence=evidence,
            offsets=offsets,
            score_realigned=score,
            frame_scores=frame_scores,
            frame_scores_realigned=frame_scores,
            piece_scores=piece_scores,
            piece_scores_realigned=piece_scores,
        )
        has_offset = any(run.offset_frames for own in offsets for run in own)
        return self._with_realigned(scores, clips, on_progress) if has_offset else scores

    def _with_realigned(
        self, scores: JointScores, clips: Sequence[LongClip], on_progress: OnProgress
    ) -> JointScores:
        """`scores` with the fields that need the realigned clips.

        The realigned clips go through the model again. Another column of the same logits would be
        wrong: padding tells an encoder where a clip ends, so that near the end each frame fits the
        sound of the same position, whether it is its own or not.
        """
        moved = [realigned(*each) for each in zip(clips, scores.offsets, strict=True)]
        long_enough = [clip for clip, _ in moved if clip.num_frames >= MIN_FRAMES]
        logits = iter(self._logits_of(long_enough, stage="realigned", on_progress=on_progress))
        frame_scores = [
            self._score_frames(next(logits)) if clip.num_frames >= MIN_FRAMES else NO_SCORES
            for clip, _ in moved
        ]
        in_place = [np.full(clip.num_frames, np.nan, np.float32) for clip in clips]
        for row, own, (_, source_frames) in zip(in_place, frame_scores, moved, strict=True):
            row[source_frames[: len(own)]] = own
        return scores._replace(
            score_realigned=self._pooled(frame_scores) if any(map(len, frame_scores)) else None,
            piece_scores_realigned=self._score_pieces(
                [clip for clip, _ in moved], frame_scores, on_progress
            ),
            frame_scores_realigned=in_place,
        )

    def _score_pieces(
        self,
        clips: Sequence[LongClip],
        frame_scores: Sequence[FrameScores],
        on_progress: OnProgress,
    ) -> list[float]:
        """The scores of all pieces; a clip whose `frame_scores` are empty is left out."""
        by_clip = [
            clip.pieces(self._piece_frames or clip.num_frames) if len(own) else []
            for clip, own in zip(clips, frame_scores, strict=True)
        ]
        # The only piece of a clip has its scores already.
        cut = [piece for pieces in by_clip if len(pieces) > 1 for piece in pieces]
        logits = iter(self._logits_of(cut, stage="pieces", on_progress=on_progress))
        scores = []
        for pieces, own in zip(by_clip, frame_scores, strict=True):
            if len(pieces) > 1:
                scores += [self._pooled([self._score_frames(next(logits))]) for _ in pieces]
            elif pieces:
                scores.append(self._pooled([own]))
        return scores

    def _logits_of(
        self, clips: Sequence[LongClip], *, stage: str, on_progress: OnProgress
    ) -> list[Logits]:
        """The logits of each clip; they are one stage of the progress."""
        num_frames = sum(clip.num_frames for clip in clips)
        model = functools.partial(self._apply, self._params)
        done, logits = 0, []
        for clip in clips:

            def advance(own: int, before: int = done) -> None:
                on_progress(stage, before + own, num_frames)

            logits.append(offset_logits(clip, model, size=self._chunk_size, advance=advance))
            done += clip.num_frames
        return logits

    def _score_frames(self, logits: Logits) -> FrameScores:
        row, _ = _padded(logits)
        return np.asarray(self._frame_scores(row))[0, : len(logits)]

    def _pooled(self, frame_scores: Sequence[FrameScores]) -> float:
        return self._pool(*_padded(np.concatenate(frame_scores))).item()


def one_at_a_time(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """`function` for many threads: its result is ready, and only one call is under way.

    So a shape is compiled once, and the memory of a large model does not grow with the threads. No
    clips are batched: on a CPU, 8 clips of 3 s in one batch take 0.010 s each and one alone 0.008,
    and rows of a batch differ in the last digits from a clip alone.
    """
    lock = threading.Lock()

    def call(*arguments: Any) -> jax.Array:
        with lock:
            return jax.block_until_ready(function(*arguments))

    return call


def _chance(clips: Sequence[LongClip], num_searched: Sequence[int], reach: int) -> float:
    """The fit of chance over the frames searched: -ln K for each, with K offsets in its clip."""
    reaches = scoring.offset_reach(np.array([clip.num_frames for clip in clips]), reach)
    return -float(np.log(2 * np.asarray(reaches) + 1) @ np.array(num_searched))


def _split_by_clip(runs: Sequence[OffsetRun], clips: Sequence[LongClip]) -> list[list[OffsetRun]]:
    """The runs of each clip, in its own frames, from the runs of all clips in a row."""
    by_clip, start = [], 0
    for clip in clips:
        inside = [
            OffsetRun(max(0, first - start), min(clip.num_frames, end - start), offset)
            for first, end, offset in runs
        ]
        by_clip.append([run for run in inside if run.first < run.end])
        start += clip.num_frames
    return by_clip


def _padded(
    values: Float[np.ndarray, "t ..."],
) -> tuple[Float[np.ndarray, "1 n ..."], Bool[np.ndarray, "1 n"]]:
    """A batch of one row, padded to SHORTEST_FRAMES times 2^n, and its valid frames."""
    num_frames = SHORTEST_FRAMES
    while num_frames < len(values):
        num_frames *= 2
    row = np.zeros((1, num_frames, *values.shape[1:]), np.float32)
    row[0, : len(values)] = values
    return row, np.arange(num_frames)[None] < len(values)
