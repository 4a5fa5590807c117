"""Every clip through the model, in each view: the lines of scores.jsonl."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from avsync import parallel, scoring
from avsync.datasets.base import extracted_trims, open_source
from avsync.files import write_whole
from avsync.input_pipeline.evaluation import EvalBatch, eval_batches
from avsync.runtime import Progress, this_host
from avsync.types import Batch, ClipInfo, Source

FILE = "scores.jsonl"

# The views of a report, and the rules of avsync.pp.silence that they stand for.
VIEWS = {"original": "none", "trimmed": "leading"}


def score_views(
    views: Mapping[str, Iterator[EvalBatch]],
    *,
    apply: Callable[..., jax.Array],
    params: Any,
    frame_score: str,
    pooling: str,
    total: int,
) -> Iterator[dict[str, Any]]:
    """A line for each clip and view; the clips of all views are `total`.

    The score "alignment" is by the rule `frame_score`; "alignment_NAME" are by the other rules.
    """

    def score(params: Any, batch: Batch) -> dict[str, jax.Array]:
        logits = apply(params, batch.visual, batch.audio, batch.valid)
        scores = {"offset_frames": scoring.clip_offset(logits, batch.valid)}
        for name in scoring.FRAME_SCORES:
            frames = scoring.frame_scores(logits, name=name)
            column = "alignment" if name == frame_score else f"alignment_{name}"
            scores[column] = scoring.clip_score(frames, batch.valid, pooling=pooling)
        return scores

    scores_of = parallel.map_scores(score)
    params = parallel.replicate(params)
    with Progress("scoring", total=total) as progress:
        for view, batches in views.items():
            for batch, infos in batches:
                scores = parallel.gather(scores_of(params, parallel.spread(batch)))
                for i, info in enumerate(infos):
                    yield _line(view, info, {name: x[i].item() for name, x in scores.items()})
                progress.advance_to(progress.done + len(infos))


def open_views(dataset: str, split: str, *, data_dir: str) -> dict[str, Source]:
    """Where each view of a split is read from; features have those that they were extracted for.

    ValueError if they were extracted for none, or differently for the two.
    """
    name, _, config = dataset.partition("/")
    trims = extracted_trims(name, data_dir=data_dir)
    if not trims:
        return dict.fromkeys(VIEWS, open_source(dataset, split, data_dir=data_dir))
    wanted = [config] if config else trims
    sources = {
        view: open_source(f"{name}/{trim}", split, data_dir=data_dir)
        for view, trim in VIEWS.items()
        if trim in wanted
    }
    if not sources:
        raise ValueError(
            f"{dataset}: features trimmed by {' and '.join(trims)} are of no view of a report; "
            f"extract them with --trim={' or --trim='.join(VIEWS.values())}"
        )
    encoders = {
        view: source.extraction and source.extraction.encoder for view, source in sources.items()
    }
    if len(set(encoders.values())) > 1:
        raise ValueError(
            f"{name}: its views were extracted by different encoders, {encoders}; extract both "
            "with the same weights, or evaluate one of them by its own name"
        )
    return sources


def views_of(sources: Mapping[str, Source], *, batch_size: int) -> dict[str, Iterator[EvalBatch]]:
    """The clips of each view's source, `batch_size` at once on this host's devices."""
    return {
        view: eval_batches(source, batch_size=batch_size, trim=VIEWS[view], host=this_host())
        for view, source in sources.items()
    }


def write_lines(lines: list[dict[str, Any]], out_dir: Path) -> None:
    """`out_dir`/scores.jsonl, complete or absent."""
    out_dir.mkdir(parents=True, exist_ok=True)
    write_whole(out_dir / FILE, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))


def _line(view: str, info: ClipInfo, values: dict[str, Any]) -> dict[str, Any]:
    # With no frame left there is nothing to align; how long the silence was is known all the same.
    is_scored = info.num_frames > 0
    assert not is_scored or np.isfinite(list(values.values())).all(), f"{info.clip_id}: {values}"
    known = {name: value if is_scored else None for name, value in values.items()}
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
        "offset_frames": known.pop("offset_frames"),
        "status": info.status,
        "message": info.message,
        "scores": {**known, "leading_silence": info.leading_silence_seconds},
    }
