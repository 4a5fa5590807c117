"""Runs the models over every clip in every view: the lines of scores.jsonl and frames.jsonl."""

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from avsync import parallel, scoring
from avsync.evaluation.lines import OK, Line
from avsync.evaluation.views import Views
from avsync.runtime import Progress, allgather_json
from avsync.scoring.scorer import Scorer
from avsync.types import Batch, ClipInfo
from avsync.units import FRAMES_PER_SECOND

# The frame scores of a model trained by alignment; every report has both.
ALIGNMENT_RULES = ("nll", "logit")

SCORE = "alignment"

# At the offset that the clip prefers; None where that is not measured.
RESYNCED = "alignment_resynced"

# Before the sound of the whole corpus was moved, see `avsync.evaluation.realigned`.
AS_STORED = "alignment_as_stored"

# The names of the scores of an evaluation, whatever the model.
OWN_SCORES = {
    *(SCORE, RESYNCED, AS_STORED),
    *(f"alignment_{rule}" for rule in ALIGNMENT_RULES),
    *("cosine_max_shift", "cosine_low_percentile", "leading_silence", "duration"),
}

# Decimals of a frame score in frames.jsonl: two training seeds already differ in the first.
DIGITS = 4

# What `_measure` returns, on the host: arrays with a row per clip, some of them by name.
Measured = Mapping[str, Any]


class Evaluated(NamedTuple):
    """The line of each clip and view, with the scores of its frames in the same order."""

    lines: list[Line]
    frame_scores: list[list[float]]


def score_views(views: Views, scorer: Scorer, *, others: Mapping[str, Scorer]) -> Evaluated:
    """Scores the clips of all processes in each view; every process gets all lines.

    The scores are those of `make_score_views`.
    """
    return make_score_views(scorer, others=others)(views)


def make_score_views(
    scorer: Scorer, *, others: Mapping[str, Scorer]
) -> Callable[[Views], Evaluated]:
    """`score_views` for many views: the models are compiled once for each shape of batches.

    `scorer` gives the scores "alignment", by its own frame score; "alignment_RULE", by the other
    frame score; "alignment_resynced", at the offset that the clip prefers, where it is measured;
    and "cosine_...", from its embeddings alone. Each of `others` gives one score under its name, by
    its own rules; ValueError if its name is one of `OWN_SCORES`.
    """
    if taken := OWN_SCORES & others.keys():
        raise ValueError(
            f"{min(taken)!r} is a score of every evaluation: call the other checkpoint differently"
        )
    measure = parallel.map_scores(lambda params, batch: _measure(scorer, params, batch))
    params = parallel.replicate_local(scorer.params)
    mapped = {
        name: (parallel.map_scores(_clip_score(other)), parallel.replicate_local(other.params))
        for name, other in others.items()
    }

    def measured_on(batch: Batch) -> Measured:
        # Unreadable clips have no array shape to run a model on.
        if not batch.valid.any():
            return {"scores": {name: None for name in ("alignment", *others)}}
        sharded = parallel.shard_batch(batch)
        measured = parallel.to_host(measure(params, sharded))
        for name, (score, its_params) in mapped.items():
            measured["scores"][name] = parallel.to_host(score(its_params, sharded))
        return measured

    return functools.partial(_score_views, measured_on)


def _score_views(measured_on: Callable[[Batch], Measured], views: Views) -> Evaluated:
    lines, frame_scores = [], []
    with Progress("scoring", total=views.num_clips) as progress:
        for view, batches in views.batches.items():
            own: list[tuple[dict[str, Any], list[float]]] = []
            for batch, infos in batches:
                measured = measured_on(batch)
                for row, info in enumerate(infos):
                    line = _line(view, info, measured, row)
                    own.append((line.to_json(), _frame_scores(info, measured, row)))
                progress.advance_to(progress.done + len(infos))
            # One process after the other: their shares are consecutive in the order on disk.
            for record, frames in itertools.chain.from_iterable(allgather_json(own)):
                lines.append(Line.from_json(record))
                frame_scores.append(frames)
    return Evaluated(lines, frame_scores)


def _measure(scorer: Scorer, params: Any, batch: Batch) -> dict[str, Any]:
    valid = batch.valid
    visual, audio = scorer.encode(params, batch.visual, batch.audio, valid)
    logits = scorer.align(params, visual, audio, valid)
    own = scoring.frame_scores(logits, name=scorer.frame_score)
    shifted, audible = scoring.realigned(logits, valid)
    resynced = scoring.frame_scores(shifted, name=scorer.frame_score)
    scores = {"alignment": scoring.clip_score(own, valid, pooling=scorer.pooling)}
    for rule in ALIGNMENT_RULES:
        if rule != scorer.frame_score:
            other = scoring.frame_scores(logits, name=rule)
            scores[f"alignment_{rule}"] = scoring.clip_score(other, valid, pooling=scorer.pooling)
    scores[RESYNCED] = scoring.clip_score(resynced, audible, pooling=scorer.pooling)
    if visual.shape == audio.shape:  # embeddings of two sizes have no cosine
        scores["cosine_max_shift"] = scoring.cosine_max_shift(
            visual, audio, valid, reach_frames=scorer.reach_frames
        )
        scores["cosine_low_percentile"] = scoring.cosine_low_percentile(visual, audio, valid)
    return {
        "scores": scores,
        "offset_frames": scoring.clip_offset(logits, valid),
        "offset_margin": scoring.offset_margin(logits, valid),
        "offset_is_measured": scoring.offset_is_measured(valid, logits.shape[-1] // 2),
        "poolings": {n: scoring.clip_score(own, valid, pooling=n) for n in scoring.POOLINGS},
        "frames": own,
    }


def _clip_score(scorer: Scorer) -> Callable[[Any, Batch], jax.Array]:
    def score(params: Any, batch: Batch) -> jax.Array:
        logits = scorer.apply(params, batch.visual, batch.audio, batch.valid)
        frames = scoring.frame_scores(logits, name=scorer.frame_score)
        return scoring.clip_score(frames, batch.valid, pooling=scorer.pooling)

    return score


def _line(view: str, info: ClipInfo, measured: Measured, row: int) -> Line:
    # With no frame left nothing can be aligned; the length of the silence is known all the same.
    is_scored = info.num_frames > 0

    def numbers(columns: Mapping[str, Any]) -> dict[str, float | None]:
        return {name: float(x[row]) if is_scored else None for name, x in columns.items()}

    scores = numbers(measured["scores"])
    has_offset = is_scored and bool(measured["offset_is_measured"][row])
    if not has_offset and RESYNCED in scores:
        scores[RESYNCED] = None
    status, message = _status(info)
    known = [value for value in scores.values() if value is not None]
    assert np.isfinite(known).all(), f"{info.clip_id}: {scores}"
    return Line(
        clip_id=info.clip_id,
        view=view,
        label=info.label,
        category=info.category,
        manipulation=info.manipulation,
        identity=info.identity,
        source_clip=info.source_clip,
        fake_segments=info.fake_segments,
        attributes=dict(info.attributes),
        num_frames=info.num_frames,
        offset_frames=int(measured["offset_frames"][row]) if has_offset else None,
        offset_margin=float(measured["offset_margin"][row]) if has_offset else None,
        status=status,
        message=message,
        scores={
            **scores,
            "leading_silence": info.leading_silence_seconds,
            "duration": info.num_frames / FRAMES_PER_SECOND,
        },
        poolings={n: float(x[row]) for n, x in measured["poolings"].items()} if is_scored else {},
    )


def _status(info: ClipInfo) -> tuple[str, str]:
    """The status of a clip, and its reason in words; "ok" if there is enough of it to judge."""
    if info.status != OK:
        return info.status, info.message
    reason = scoring.abstention(info.num_frames, silent_seconds=info.leading_silence_seconds)
    return reason or (OK, "")


def _frame_scores(info: ClipInfo, measured: Measured, row: int) -> list[float]:
    if not info.num_frames:
        return []
    return [round(score, DIGITS) for score in measured["frames"][row, : info.num_frames].tolist()]
