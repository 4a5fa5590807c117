"""One clip, or several that belong together, to scores and A/V offsets."""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float

from avsync import scoring
from avsync.metrics import domain
from avsync.scoring import OffsetRun
from avsync.scoring.offset_gain import at_offset, best_offset, candidate_gains
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.chunks import chunk_size, offset_logits
from avsync.scoring.video.joint_scores import (
    FrameScores,
    Heard,
    JointScores,
    Logits,
    ScoredPiece,
)
from avsync.scoring.video.long_clip import LongClip, realigned
from avsync.scoring.video.reference import STREAMS, Distances, Reference
from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES

# (stage, frames done, frames of the stage); called after each chunk of frames.
OnProgress = Callable[[str, int, int], None]

# Lengths are rounded up to 2^n seconds: a handful of shapes to compile for.
SHORTEST_FRAMES = FRAMES_PER_SECOND

# A piece with less speech than one window of 0.4 s has no score.
MIN_COUNTED_FRAMES = 10

NO_SCORES = np.zeros(0, np.float32)


def no_progress(stage: str, done: int, total: int) -> None:
    """Shows nothing."""
    del stage, done, total


class ClipScorer:
    """A model and its scoring rules, for clips of any length.

    Clips are also scored in pieces about as long as the reference clips: under any pooling the
    distribution of scores depends on the length, so only clips of equal length can be compared.
    Without reference clips, every clip is one piece.
    """

    def __init__(self, scorer: Scorer, reference: Reference):
        self._reference = reference
        self._piece_frames = reference.piece_frames
        self._chunk_size = chunk_size(scorer.context)
        # On a CPU, JAX shares the memory of NumPy arrays that begin at a multiple of 64 bytes, as
        # those of `checkpoint.load_params` do: large weights are held once.
        self._params = jax.device_put(scorer.params)
        frame_scores = functools.partial(scoring.frame_scores, name=scorer.frame_score)
        pool = functools.partial(scoring.clip_score, pooling=scorer.pooling)
        self._apply = one_at_a_time(jax.jit(functools.partial(_apply, scorer)))
        self._frame_scores = one_at_a_time(jax.jit(frame_scores))
        self._pool = one_at_a_time(jax.jit(pool))

    def hear(self, clip: LongClip, *, on_progress: OnProgress = no_progress) -> Heard:
        """A clip after its first pass through the model; the input of `score`.

        Only windows of frames that count have distances.
        """
        known = self._reference.domain
        seen: dict[str, list[Distances]] = {stream: [np.zeros(0)] for stream in known}

        def observe(first: int, *embeddings: np.ndarray) -> None:
            counts = np.ones(len(embeddings[0]), bool)
            if clip.counts is not None:
                counts = clip.counts[first : first + len(counts)]
            kept = domain.is_spoken(counts)
            for stream, embedding in zip(STREAMS, embeddings, strict=True):
                if stream in known:
                    windows = domain.windows(embedding)[kept]
                    seen[stream].append(known[stream].distances(windows))

        logits = self._logits_of(clip, stage="model", on_progress=on_progress, observe=observe)
        distances = {stream: np.concatenate(parts) for stream, parts in seen.items()}
        return Heard(logits, candidate_gains(logits), distances)

    def score(
        self,
        clips: Sequence[LongClip],
        *,
        heard: Sequence[Heard],
        on_progress: OnProgress = no_progress,
    ) -> JointScores:
        """Scores of `clips` (at least one, none empty), each `heard` before.

        Pieces and realigned clips go through the model again, as stages of their own. Some frame
        of the clips must count.
        """
        gains = np.concatenate([each.gains for each in heard])
        min_nats = self._reference.min_offset_nats(len(gains))
        certain = scoring.certain_runs(gains, min_nats=min_nats)
        is_one = len(certain) == 1
        best = at_offset(gains, certain[0].offset_frames) if is_one else best_offset(gains)
        guess = [OffsetRun(0, len(gains), best.frames, best.exact_frames)]
        offsets = _split_by_clip(certain or guess, clips)
        frame_scores = [
            self._score_frames(each.logits, clip) for each, clip in zip(heard, clips, strict=True)
        ]
        score = self._pooled(frame_scores)
        pieces = self._score_pieces(clips, frame_scores, on_progress)
        scores = JointScores(
            score=score,
            best=best,
            is_certain=bool(certain),
            offsets=offsets,
            support=gains.mean(axis=0, dtype=float),
            score_realigned=score,
            frame_scores=frame_scores,
            frame_scores_realigned=frame_scores,
            pieces=pieces,
            pieces_realigned=pieces,
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
        num_frames = [clip.num_frames for clip, _ in moved]
        total = sum(number for number in num_frames if number >= MIN_FRAMES)
        frame_scores, done = [], 0
        for clip, _ in moved:
            if clip.num_frames < MIN_FRAMES:
                frame_scores.append(NO_SCORES)
                continue
            advance = _after(on_progress, done, total)
            logits = self._logits_of(clip, stage="realigned", on_progress=advance)
            frame_scores.append(self._score_frames(logits, clip))
            done += clip.num_frames
        in_place = [np.full(clip.num_frames, np.nan, np.float32) for clip in clips]
        for row, own, (_, source_frames) in zip(in_place, frame_scores, moved, strict=True):
            row[source_frames[: len(own)]] = own
        pieces = self._score_pieces([clip for clip, _ in moved], frame_scores, on_progress)
        return scores._replace(
            score_realigned=self._pooled(frame_scores) if _num_counted(frame_scores) else None,
            pieces_realigned=[
                piece._replace(
                    first=int(moved[piece.clip].source_frames[piece.first]),
                    end=int(moved[piece.clip].source_frames[piece.end - 1]) + 1,
                )
                for piece in pieces
            ],
            frame_scores_realigned=in_place,
        )

    def _score_pieces(
        self,
        clips: Sequence[LongClip],
        frame_scores: Sequence[FrameScores],
        on_progress: OnProgress,
    ) -> list[ScoredPiece]:
        """The scores of all pieces; a clip whose `frame_scores` are empty is left out."""
        by_clip = [
            clip.pieces(self._piece_frames or clip.num_frames) if len(own) else []
            for clip, own in zip(clips, frame_scores, strict=True)
        ]
        # The only piece of a clip has its scores already.
        total = sum(p.clip.num_frames for pieces in by_clip if len(pieces) > 1 for p in pieces)
        scored, done = [], 0
        for index, (pieces, own) in enumerate(zip(by_clip, frame_scores, strict=True)):
            for piece in pieces:
                scores = own
                if len(pieces) > 1:
                    advance = _after(on_progress, done, total)
                    logits = self._logits_of(piece.clip, stage="pieces", on_progress=advance)
                    scores = self._score_frames(logits, piece.clip)
                    done += piece.clip.num_frames
                if _num_counted([scores]) >= MIN_COUNTED_FRAMES:
                    score = self._pooled([scores])
                    scored.append(ScoredPiece(index, piece.first, piece.end, score))
        return scored

    def _logits_of(
        self,
        clip: LongClip,
        *,
        stage: str,
        on_progress: OnProgress,
        observe: Callable[..., None] | None = None,
    ) -> Logits:
        return offset_logits(
            clip,
            functools.partial(self._apply, self._params),
            size=self._chunk_size,
            advance=lambda done: on_progress(stage, done, clip.num_frames),
            observe=observe,
        )

    def _score_frames(self, logits: Logits, clip: LongClip) -> FrameScores:
        row, _ = _padded(logits)
        scores = np.array(self._frame_scores(row))[0, : len(logits)]
        if clip.counts is not None:
            scores[~clip.counts] = np.nan
        return scores

    def _pooled(self, frame_scores: Sequence[FrameScores]) -> float:
        joined = np.concatenate(frame_scores)
        return self._pool(*_padded(joined[np.isfinite(joined)])).item()


def _apply(
    scorer: Scorer, params: object, visual: jax.Array, audio: jax.Array, valid: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    embeddings = scorer.encode(params, visual, audio, valid)
    return scorer.align(params, *embeddings, valid), *embeddings


def one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` for many threads: its result is ready, and only one call is under way.

    So a shape is compiled once, and the memory of a large model does not grow with the threads. No
    clips are batched: on a CPU, 8 clips of 3 s in one batch take 0.010 s each and one alone 0.008,
    and rows of a batch differ in the last digits from a clip alone.
    """
    lock = threading.Lock()

    def call(*arguments: Any) -> Any:
        with lock:
            return jax.block_until_ready(function(*arguments))

    return call


def _num_counted(frame_scores: Sequence[FrameScores]) -> int:
    return sum(int(np.isfinite(own).sum()) for own in frame_scores)


def _after(on_progress: OnProgress, before: int, total: int) -> OnProgress:
    """`on_progress` for a part of a stage of `total` frames, of which `before` are done."""
    return lambda stage, done, _: on_progress(stage, before + done, total)


def _split_by_clip(runs: Sequence[OffsetRun], clips: Sequence[LongClip]) -> list[list[OffsetRun]]:
    """The runs of each clip, in its own frames, from the runs of all clips in a row."""
    by_clip, start = [], 0
    for clip in clips:
        inside = [
            run._replace(first=max(0, run.first - start), end=min(clip.num_frames, run.end - start))
            for run in runs
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
