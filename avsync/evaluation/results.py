"""How well a score ranks clips: all of them, each kind of fake, each value of an attribute."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from avsync.evaluation.lines import Line, Metrics, identities, is_scored, scored
from avsync.metrics import bootstrap
from avsync.types import CATEGORIES, REAL

# By their names in metrics.json, the fields of `bootstrap.Quality`.
QUALITIES = {
    "auc": "auc",
    "ap": "average_precision",
    "ap_balanced": "balanced_average_precision",
    "eer": "equal_error_rate",
    "tpr_at_1_fpr": "tpr_at_1_fpr",
    "tpr_at_5_fpr": "tpr_at_5_fpr",
}

UNKNOWN = "unknown"


def result(clips: Iterable[Line], score: str) -> Metrics:
    """Each of `QUALITIES` of a score, NAME, with the interval over clips, NAME_low to NAME_high.

    `over_identities` has the intervals over identities instead, where it is known of every clip
    who speaks; elsewhere it is None.
    """
    clips = list(clips)
    values, is_fake, num_unscored = scored(clips, score)
    quality = bootstrap.ranking_quality(values, is_fake)
    counts = {
        "num_real": int(np.sum(~is_fake)),
        "num_fake": int(np.sum(is_fake)),
        "num_unscored": num_unscored,
    }
    over_identities = None
    if speakers := identities(clip for clip in clips if is_scored(clip, score)):
        by_speaker = bootstrap.ranking_quality(values, is_fake, identities=speakers)
        over_identities = {
            "num_identities": len(set(speakers)),
            **{key: number for key, number in _numbers(by_speaker).items() if key not in QUALITIES},
        }
    return {**_numbers(quality), **counts, "over_identities": over_identities}


def by_kind(clips: Sequence[Line], score: str, *, field: str, kinds: Iterable[str]) -> Metrics:
    """The fakes of each kind against all reals; `field` is "category" or "manipulation"."""
    return {
        kind: result([clip for clip in clips if kind_of(clip, field) in (None, kind)], score)
        for kind in kinds
    }


def known_kinds(clips: Iterable[Line], field: str) -> list[str]:
    """The kinds of fakes there are: categories in their usual order, manipulations by name."""
    found = {kind_of(clip, field) for clip in clips} - {None}
    usual = [category for category in CATEGORIES if category in found]
    return usual + sorted(kind for kind in found if kind and kind not in usual)


def kind_of(clip: Line, field: str) -> str | None:
    """What kind of fake a clip is, "unknown" if nobody said; None for a real one."""
    return None if clip["label"] == REAL else clip.get(field) or UNKNOWN


def by_attribute(
    clips: Sequence[Line], score: str, *, attributes: Mapping[str, Sequence[str]]
) -> Metrics:
    """By attribute and value: the fakes of that value against the reals that are like them.

    `reals` says which reals they are. "same": those of the same value (women's fakes against real
    women), so that what the value itself does to the score is no part of the answer. "all": every
    real, where none has the value (a generator is an attribute of fakes alone) or nobody said what
    value the fakes have. Each is a ranking within its group: that one threshold treats two groups
    alike does not follow from equal areas.
    """
    return {
        field: {value: _of_value(clips, score, field=field, value=value) for value in values}
        for field, values in attributes.items()
    }


def attribute_values(clips: Iterable[Line]) -> dict[str, list[str]]:
    """The attributes that are known of any fake, each with its values among fakes, sorted."""
    fakes = [clip for clip in clips if clip["label"] != REAL]
    fields = sorted({field for clip in fakes for field in clip.get("attributes") or {}})
    values = {field: sorted({_value(clip, field) for clip in fakes}) for field in fields}
    return {field: known for field, known in values.items() if known != [UNKNOWN]}


def _of_value(clips: Sequence[Line], score: str, *, field: str, value: str) -> Metrics:
    alike = [clip for clip in clips if _value(clip, field) == value]
    fakes = [clip for clip in alike if clip["label"] != REAL]
    reals = [clip for clip in alike if clip["label"] == REAL and value != UNKNOWN]
    all_reals = [clip for clip in clips if clip["label"] == REAL]
    return {"reals": "same" if reals else "all", **result([*(reals or all_reals), *fakes], score)}


def _value(clip: Line, field: str) -> str:
    return (clip.get("attributes") or {}).get(field) or UNKNOWN


def _numbers(quality: bootstrap.Quality) -> Metrics:
    numbers: Metrics = {}
    for name, field in QUALITIES.items():
        estimate: bootstrap.Estimate = getattr(quality, field)
        numbers |= {
            name: estimate.value,
            f"{name}_low": estimate.low,
            f"{name}_high": estimate.high,
        }
    return {**numbers, "note": quality.auc.note}
