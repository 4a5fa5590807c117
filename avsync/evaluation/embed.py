"""Every clip through the model, in each view: the lines of scores.jsonl."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from avsync import parallel, scoring
from avsync.evaluation.views import Views
from avsync.files import write_whole
from avsync.runtime import Progress
from avsync.types import Batch, ClipInfo

FILE = "scores.jsonl"


def score_views(
    views: Views,
    *,
    apply: Callable[..., jax.Array],
    params: Any,
    frame_score: str,
    pooling: str,
) -> Iterator[dict[str, Any]]:
    """A line for each clip and view.

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

    names = [name for name in scoring.FRAME_SCORES if name != frame_score]
    columns = ["offset_frames", "alignment", *(f"alignment_{name}" for name in names)]
    scores_of = parallel.map_scores(score)
    params = parallel.replicate(params)
    with Progress("scoring", total=views.num_clips) as progress:
        for view, batches in views.batches.items():
            for batch, infos in batches:
                if not batch.valid.any():  # clips that could not be read have no shape either
                    yield from (_line(view, info, dict.fromkeys(columns)) for info in infos)
                    continue
                scores = parallel.gather(scores_of(params, parallel.spread(batch)))
                for i, info in enumerate(infos):
                    yield _line(view, info, {name: x[i].item() for name, x in scores.items()})
                progress.advance_to(progress.done + len(infos))


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
