"""The same frame scores pooled in every way, and what each way owes to the length of a clip."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from avsync.evaluation.lines import Line, Metrics
from avsync.metrics import bootstrap
from avsync.types import FAKE, REAL


def compare_poolings(views: Mapping[str, Sequence[Line]]) -> Metrics:
    """By view and pooling: its AUC with the interval, and how it goes with a clip's length.

    `length_correlation` is Spearman's, of the score with the number of frames over the reals: a
    score that grows with length tells long clips from short ones, and in a dataset whose fakes are
    longer that passes for detection. None if all reals are equally long.
    """
    return {
        view: _of_view([clip for clip in clips if clip.get("poolings")])
        for view, clips in views.items()
    }


def _of_view(clips: Sequence[Line]) -> Metrics:
    names = list(dict.fromkeys(name for clip in clips for name in clip["poolings"]))
    is_fake = np.array([clip["label"] == FAKE for clip in clips], bool)
    lengths = np.array([clip["num_frames"] for clip in clips if clip["label"] == REAL])
    found = {}
    for name in names:
        scores = np.array([clip["poolings"][name] for clip in clips], float)
        auc = bootstrap.ranking_quality(scores, is_fake).auc
        of_reals = scores[~is_fake]
        varied = len(set(lengths.tolist())) > 1 and len(set(of_reals.tolist())) > 1
        correlation: Any = stats.spearmanr(of_reals, lengths) if varied else None
        found[name] = {
            "auc": auc.value,
            "auc_low": auc.low,
            "auc_high": auc.high,
            "note": auc.note,
            "length_correlation": float(correlation.statistic) if varied else None,
            "num_real": len(lengths),
            "num_fake": int(is_fake.sum()),
        }
    return found
