"""Every clip through the models, in each view: the lines of scores.jsonl and of frames.jsonl."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from avsync import parallel, scoring
from avsync.evaluation.lines import OK
from avsync.evaluation.views import Views
from avsync.files import atomic_write
from avsync.runtime import Progress, allgather_json
from avsync.scoring.scorer import Scorer
from avsync.types import Batch, ClipInfo
from avsync.units import FRAMES_PER_SECOND

FILE, FRAMES_FILE = "scores.jsonl", "frames.jsonl"

# The frame scores of a model that was trained by alignment; each report has them all.
ALIGNMENT_RULES = ("nll", "logit")

# Of a frame score, as written: what two seeds of a training differ by is in the first.
DIGITS = 4


Line = dict[str, Any]


def score_views(
    views: Views, scorer: Scorer, *, others: Mapping[str, Scorer]
) -> tuple[list[Line], list[list[float]]]:
    """A line for each clip of all processes in each view, and the scores of its frames.

    Of `scorer` there are "alignment", by its own rule; "alignment_RULE", by the other one;
    "alignment_resynced", at the offset that the clip prefers; and "cosine_...", of its embeddings
    alone. Of each of `others` there is one score, by its own rule, under its name.
    """
    lines, frame_scores = [], []
    measure = parallel.map_scores(lambda params, batch: _measure(scorer, params, batch))
    params = parallel.replicate_local(scorer.params)
    beside = {
        name: (parallel.map_scores(_pooled(other)), parallel.replicate_local(other.params))
        for name, other in others.items()
    }
    with Progress("scoring", total=views.num_clips) as progress:
        for view, batches in views.batches.items():
            own: list[tuple[Line, list[float]]] = []
            for batch, infos in batches:
                # Clips that could not be read have no shape either.
                if batch.valid.any():
                    spread = parallel.shard_batch(batch)
                    found = parallel.to_host(measure(params, spread))
                    for name, (score, its_params) in beside.items():
                        found["scores"][name] = parallel.to_host(score(its_params, spread))
                else:
                    found = {"scores": {name: None for name in ("alignment", *others)}}
                for i, info in enumerate(infos):
                    own.append((_line(view, info, found, i), _frames(info, found, i)))
                progress.advance_to(progress.done + len(infos))
            # One process after the other, their clips are in the order on disk.
            for line, frames in itertools.chain.from_iterable(allgather_json(own)):
                lines.append(line)
                frame_scores.append(frames)
    return lines, frame_scores


def write_lines(
    lines: Sequence[Line], frame_scores: Sequence[Sequence[float]], out_dir: Path
) -> None:
    """`out_dir`/scores.jsonl and frames.jsonl, each complete or absent."""
    out_dir.mkdir(parents=True, exist_ok=True)
    frames = [
        {"clip_id": line["clip_id"], "view": line["view"], "frame_scores": scores}
        for line, scores in zip(lines, frame_scores, strict=True)
    ]
    for file, content in ((FILE, lines), (FRAMES_FILE, frames)):
        text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in content)
        atomic_write(out_dir / file, text)


def _measure(scorer: Scorer, params: Any, batch: Batch) -> dict[str, Any]:
    valid = batch.valid
    visual, audio = scorer.encode(params, batch.visual, batch.audio, valid)
    logits = scorer.align(params, visual, audio, valid)
    own = scoring.frame_scores(logits, name=scorer.frame_score)
    synced, heard = scoring.resynced(logits, valid)
    resynced = scoring.frame_scores(synced, name=scorer.frame_score)
    scores = {"alignment": scoring.clip_score(own, valid, pooling=scorer.pooling)}
    for rule in ALIGNMENT_RULES:
        if rule != scorer.frame_score:
            other = scoring.frame_scores(logits, name=rule)
            scores[f"alignment_{rule}"] = scoring.clip_score(other, valid, pooling=scorer.pooling)
    # A clip so short that no sound is left at that offset stays where it is.
    is_heard = heard.any(axis=1)
    resynced = jnp.where(is_heard[:, None], resynced, own)
    heard = jnp.where(is_heard[:, None], heard, valid)
    scores["alignment_resynced"] = scoring.clip_score(resynced, heard, pooling=scorer.pooling)
    if visual.shape == audio.shape:  # embeddings of two sizes have no cosine
        scores["cosine_max_shift"] = scoring.cosine_max_shift(
            visual, audio, valid, reach_frames=scorer.reach_frames
        )
        scores["cosine_low_percentile"] = scoring.cosine_low_percentile(visual, audio, valid)
    return {
        "scores": scores,
        "offset_frames": scoring.clip_offset(logits, valid),
        "offset_margin": scoring.offset_margin(logits, valid),
        "poolings": {n: scoring.clip_score(own, valid, pooling=n) for n in scoring.POOLINGS},
        "frames": own,
    }


def _pooled(scorer: Scorer) -> Callable[[Any, Batch], jax.Array]:
    def score(params: Any, batch: Batch) -> jax.Array:
        embeddings = scorer.encode(params, batch.visual, batch.audio, batch.valid)
        logits = scorer.align(params, *embeddings, batch.valid)
        frames = scoring.frame_scores(logits, name=scorer.frame_score)
        return scoring.clip_score(frames, batch.valid, pooling=scorer.pooling)

    return score


def _frames(info: ClipInfo, found: Mapping[str, Any], row: int) -> list[float]:
    if not info.num_frames:
        return []
    return [round(score, DIGITS) for score in found["frames"][row, : info.num_frames].tolist()]


def _judged(info: ClipInfo) -> tuple[str, str]:
    """Whether there is enough of the clip to judge it: its status, and why in words."""
    if info.status != OK:
        return info.status, info.message
    reason = scoring.abstention(info.num_frames, silent_seconds=info.leading_silence_seconds)
    return reason or (OK, "")


def _line(view: str, info: ClipInfo, found: Mapping[str, Any], row: int) -> Line:
    # With no frame left there is nothing to align; how long the silence was is known all the same.
    is_scored = info.num_frames > 0

    def numbers(columns: Mapping[str, Any]) -> dict[str, float | None]:
        return {name: float(x[row]) if is_scored else None for name, x in columns.items()}

    scores = numbers(found["scores"])
    status, message = _judged(info)
    known = [value for value in scores.values() if value is not None]
    assert np.isfinite(known).all(), f"{info.clip_id}: {scores}"
    return {
        "clip_id": info.clip_id,
        "view": view,
        "label": info.label,
        "category": info.category,
        "manipulation": info.manipulation,
        "identity": info.identity,
        "source_clip": info.source_clip,
        "fake_segments": info.fake_segments,
        "attributes": dict(info.attributes),
        "num_frames": info.num_frames,
        "offset_frames": int(found["offset_frames"][row]) if is_scored else None,
        "offset_margin": float(found["offset_margin"][row]) if is_scored else None,
        "status": status,
        "message": message,
        "scores": {
            **scores,
            "leading_silence": info.leading_silence_seconds,
            "duration": info.num_frames / FRAMES_PER_SECOND,
        },
        "poolings": numbers(found["poolings"]) if is_scored else {},
    }
