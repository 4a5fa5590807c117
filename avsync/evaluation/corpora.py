"""Evaluations of several datasets by one checkpoint, and their mean."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from avsync.evaluation import calibration
from avsync.evaluation.lines import Line, Metrics

# What `summarise` keeps of a result.
KEPT = ("auc", "auc_low", "auc_high", "note", "num_real", "num_fake", "num_unscored")


class Corpus(NamedTuple):
    """The scored clips of a dataset, and how they were scored.

    lines, frame_scores: see `avsync.evaluation.scores.Evaluated`.
    realigned_frames: by how many frames the sound of all clips was moved back.
    fabricated: what fakes were made of the clips, see `avsync.evaluation.clip_sets`.
    """

    dataset: str
    split: str
    lines: list[Line]
    frame_scores: list[list[float]]
    realigned_frames: int
    frame_score: str
    pooling: str
    fabricated: Metrics | None


def calibrate(corpus: Corpus) -> dict[str, Any]:
    """The calibration by the clips of a corpus, see `calibration.calibrate`."""
    return calibration.calibrate(
        corpus.lines,
        dataset=corpus.dataset,
        split=corpus.split,
        frame_score=corpus.frame_score,
        pooling=corpus.pooling,
        realigned_frames=corpus.realigned_frames,
    )


def summarise(metrics: Mapping[str, Metrics]) -> Metrics:
    """The comparison of datasets, from the metrics.json of each by name.

    views: by view and score, "datasets" with the results over all clips by dataset, and the
      unweighted "mean_auc" of the `num_datasets` that have an AUC; `without_auc` has the reasons of
      the others.
    corpus_offsets, calibration: by dataset, as in metrics.json.
    """
    first = next(iter(metrics.values()))
    views = dict.fromkeys(view for one in metrics.values() for view in one["views"])
    return {
        "checkpoint": first["checkpoint"],
        "split": first["split"],
        "datasets": list(metrics),
        "views": {view: _scores(metrics, view) for view in views},
        "corpus_offsets": {name: one["corpus_offset"] for name, one in metrics.items()},
        "calibration": {name: one["calibration"] for name, one in metrics.items()},
        "fabricated": {name: one["fabricated"] for name, one in metrics.items()},
        "interval": first["interval"],
    }


def _scores(metrics: Mapping[str, Metrics], view: str) -> Metrics:
    results = {name: one["views"].get(view, {}) for name, one in metrics.items()}
    scores = dict.fromkeys(score for by_score in results.values() for score in by_score)
    return {
        score: _compared(
            {name: by_score[score] for name, by_score in results.items() if score in by_score}
        )
        for score in scores
    }


def _compared(results: Mapping[str, Metrics]) -> Metrics:
    known = [result["auc"] for result in results.values() if result["auc"] is not None]
    return {
        "datasets": {n: {key: result[key] for key in KEPT} for n, result in results.items()},
        "mean_auc": float(np.mean(known)) if known else None,
        "num_datasets": len(known),
        "without_auc": {n: r["note"] for n, r in results.items() if r["auc"] is None},
    }
