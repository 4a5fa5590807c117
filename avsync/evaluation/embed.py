"""Every clip of a dataset through the model, as it is and trimmed: the lines of scores.jsonl."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from avsync import parallel, scoring
from avsync.input_pipeline import eval_batches
from avsync.runtime import Progress, this_host
from avsync.types import Batch, ClipInfo, Source

FILE = "scores.jsonl"

# The names of avsync.pp.silence that the two views of a report stand for.
VIEWS = {"original": "none", "trimmed": "leading"}


def score_views(
    source: Source,
    *,
    apply: Callable[..., jax.Array],
    params: Any,
    frame_score: str,
    pooling: str,
    batch_size: int,
) -> Iterator[dict[str, Any]]:
    """A line for each clip and view; `batch_size` clips go through this host's devices at once.

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
    total = source.num_clips * len(VIEWS)
    with Progress("scoring", total=total) as progress:
        for view, trim in VIEWS.items():
            batches = eval_batches(source, batch_size=batch_size, trim=trim, host=this_host())
            for batch, infos in batches:
                scores = parallel.gather(scores_of(params, parallel.spread(batch)))
                for i, info in enumerate(infos):
                    values = {name: column[i].item() for name, column in scores.items()}
                    yield _line(view, info, int(batch.label[i]), values)
                progress.advance_to(progress.done + len(infos))


def write_lines(lines: list[dict[str, Any]], out_dir: Path) -> None:
    """`out_dir`/scores.jsonl, complete or absent."""
    out_dir.mkdir(parents=True, exist_ok=True)
    temporary = out_dir / f"{FILE}.tmp"
    temporary.write_text("".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
    temporary.replace(out_dir / FILE)


def _line(view: str, info: ClipInfo, label: int, values: dict[str, Any]) -> dict[str, Any]:
    # With no frame left there is nothing to align; how long the silence was is known all the same.
    is_silent = info.num_frames == 0
    assert is_silent or np.isfinite(list(values.values())).all(), f"{info.clip_id}: {values}"
    known = {name: None if is_silent else value for name, value in values.items()}
    return {
        "clip_id": info.clip_id,
        "view": view,
        "label": label,
        "category": info.category,
        "manipulation": info.manipulation,
        "identity": info.identity,
        "num_frames": info.num_frames,
        "offset_frames": known.pop("offset_frames"),
        "status": "all_silent" if is_silent else "ok",
        "scores": {**known, "leading_silence": info.leading_silence_seconds},
    }
