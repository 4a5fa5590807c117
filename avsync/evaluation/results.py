"""Ranking quality of a score: over all clips, each kind of fake, each value of an attribute."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from avsync.evaluation.lines import Line, Metrics, identities, scored
from avsync.metrics import bootstrap
from avsync.types import CATEGORIES

# The fields of `bootstrap.Quality`, by their names in metrics.json.
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
    """Each of `QUALITIES` as NAME, with its interval over clips, NAME_low to NAME_high.

    `over_identities` holds the intervals over identities; None unless all speakers are known.
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
    if speakers := identities(clip for clip in clips if clip.score(score) is not None):
        by_speaker = bootstrap.ranking_quality(values, is_fake, identities=speakers)
        over_identities = {
            "num_identities": len(set(speakers)),
            **{key: number for key, number in _numbers(by_speaker).items() if key not in QUALITIES},
        }
    return {**_numbers(quality), **counts, "over_identities": over_identities}


def by_kind(clips: Sequence[Line], score: str, *, field: str, kinds: Iterable[str]) -> Metrics:
    """The fakes of each kind against all real clips; `field` is "category" or "manipulation"."""
    return {
        kind: result([clip for clip in clips if kind_of(clip, field) in (None, kind)], score)
        for kind in kinds
    }


def known_kinds(clips: Iterable[Line], field: str) -> list[str]:
    """The kinds of fakes that occur: categories in their usual order, manipulations by name."""
    kinds = {kind_of(clip, field) for clip in clips} - {None}
    usual = [category for category in CATEGORIES if category in kinds]
    return usual + sorted(kind for kind in kinds if kind and kind not in usual)


def kind_of(clip: Line, field: str) -> str | None:
    """The category or manipulation of a fake, "unknown" if it has none; None for a real clip."""
    return None if clip.is_real else getattr(clip, field) or UNKNOWN


def by_attribute(
    clips: Sequence[Line], score: str, *, attributes: Mapping[str, Sequence[str]]
) -> Metrics:
    """The fakes of each value of each attribute against comparable real clips.

    `reals` names those real clips. "same": those of the same value (fakes of women against
    real women), so that the effect of the value itself on the score cancels. "all": every real
    clip, where none has the value (a generator is an attribute of fakes alone) or the value is
    unknown. Each value is ranked within its group: equal AUCs do not imply that one threshold
    treats two groups alike.
    """
    return {
        field: {value: _value_result(clips, score, field=field, value=value) for value in values}
        for field, values in attributes.items()
    }


def attribute_values(clips: Iterable[Line]) -> dict[str, list[str]]:
    """The values of each attribute among fakes, sorted; attributes of no fake are left out."""
    fakes = [clip for clip in clips if not clip.is_real]
    fields = sorted({field for clip in fakes for field in clip.attributes})
    values = {field: sorted({_value(clip, field) for clip in fakes}) for field in fields}
    return {field: known for field, known in values.items() if known != [UNKNOWN]}


def _value_result(clips: Sequence[Line], score: str, *, field: str, value: str) -> Metrics:
    same_value = [clip for clip in clips if _value(clip, field) == value]
    fakes = [clip for clip in same_value if not clip.is_real]
    real_clips = [clip for clip in same_value if clip.is_real and value != UNKNOWN]
    all_reals = [clip for clip in clips if clip.is_real]
    return {
        "reals": "same" if real_clips else "all",
        **result([*(real_clips or all_reals), *fakes], score),
    }


def _value(clip: Line, field: str) -> str:
    return clip.attributes.get(field) or UNKNOWN


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
