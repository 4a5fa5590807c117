"""Ranking quality of a score: over all clips, each kind of fake, each value of an attribute."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from avsync.evaluation.lines import Line, Metrics, identities
from avsync.metrics import bootstrap
from avsync.types import CATEGORIES, FAKE

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


def of_view(
    clips: Sequence[Line],
    scores: Sequence[str],
    *,
    kinds: Mapping[str, Sequence[str]],
    attributes: Mapping[str, Sequence[str]],
) -> Metrics:
    """By score, the `result` over all clips, and over parts of them.

    by_FIELD, for each field of `kinds`, "category" or "manipulation": the fakes of each kind
      against all real clips.
    by_attribute: the fakes of each value of each of `attributes` against comparable real clips.

    The entry `reals` says which real clips these are. "same": those of the same value (fakes of
    women against real women), so that the effect of the value itself on the score cancels. "all":
    every real clip, where none has the value (a generator is an attribute of fakes alone) or the
    value is unknown. Each value is ranked within its group: equal AUCs do not imply that one
    threshold treats two groups alike.
    """
    whole = by_score(clips, scores)
    by_kind = {
        f"by_{field}": {kind: by_score(_of_kind(clips, field, kind), scores) for kind in known}
        for field, known in kinds.items()
    }
    by_value = {
        field: {value: _value_results(clips, scores, field=field, value=value) for value in values}
        for field, values in attributes.items()
    }
    return {
        score: {
            **whole[score],
            **{field: _of_score(found, score) for field, found in by_kind.items()},
            "by_attribute": {field: _of_score(found, score) for field, found in by_value.items()},
        }
        for score in scores
    }


def result(clips: Iterable[Line], score: str) -> Metrics:
    """Each of `QUALITIES` as NAME, with its interval over clips, NAME_low to NAME_high.

    `over_identities` holds the intervals over identities; None unless all speakers are known.
    """
    return by_score(clips, [score])[score]


def by_score(clips: Iterable[Line], scores: Sequence[str]) -> dict[str, Metrics]:
    """The `result` of each score; those that the same clips have share their resamples."""
    clips = list(clips)
    values = [[clip.score(score) for clip in clips] for score in scores]
    having: dict[tuple[bool, ...], list[int]] = {}
    for index, of_score in enumerate(values):
        having.setdefault(tuple(value is not None for value in of_score), []).append(index)
    found: dict[str, Metrics] = {}
    for has, indices in having.items():
        known = list(itertools.compress(clips, has))
        alike = [list(itertools.compress(values[index], has)) for index in indices]
        numbers = _results(known, np.array(alike, float), num_unscored=len(clips) - len(known))
        found |= {scores[index]: result for index, result in zip(indices, numbers, strict=True)}
    return found


def _results(
    clips: Sequence[Line], scores: Float[np.ndarray, "scores n"], *, num_unscored: int
) -> Iterator[Metrics]:
    """The result of each of these scores of these clips."""
    is_fake = np.array([clip.label == FAKE for clip in clips], bool)
    counts = {
        "num_real": int(np.sum(~is_fake)),
        "num_fake": int(np.sum(is_fake)),
        "num_unscored": num_unscored,
    }
    over_clips = map(_numbers, bootstrap.ranking_qualities(scores, is_fake))
    over_identities: Iterable[Metrics | None] = [None] * len(scores)
    if speakers := identities(clips):
        by_speaker = bootstrap.ranking_qualities(scores, is_fake, identities=speakers)
        num_identities = {"num_identities": len(set(speakers))}
        over_identities = [
            {
                **num_identities,
                **{key: x for key, x in _numbers(quality).items() if key not in QUALITIES},
            }
            for quality in by_speaker
        ]
    for numbers, of_speakers in zip(over_clips, over_identities, strict=True):
        yield {**numbers, **counts, "over_identities": of_speakers}


def known_kinds(clips: Iterable[Line], field: str) -> list[str]:
    """The kinds of fakes that occur: categories in their usual order, manipulations by name."""
    kinds = {kind_of(clip, field) for clip in clips} - {None}
    usual = [category for category in CATEGORIES if category in kinds]
    return usual + sorted(kind for kind in kinds if kind and kind not in usual)


def kind_of(clip: Line, field: str) -> str | None:
    """The category or manipulation of a fake, "unknown" if it has none; None for a real clip."""
    return None if clip.is_real else getattr(clip, field) or UNKNOWN


def attribute_values(clips: Iterable[Line]) -> dict[str, list[str]]:
    """The values of each attribute among fakes, sorted; attributes of no fake are left out."""
    fakes = [clip for clip in clips if not clip.is_real]
    fields = sorted({field for clip in fakes for field in clip.attributes})
    values = {field: sorted({_value(clip, field) for clip in fakes}) for field in fields}
    return {field: known for field, known in values.items() if known != [UNKNOWN]}


def _of_score(results: Mapping[str, Mapping[str, Metrics]], score: str) -> Metrics:
    return {name: found[score] for name, found in results.items()}


def _of_kind(clips: Iterable[Line], field: str, kind: str) -> list[Line]:
    """All real clips, and the fakes of one kind."""
    return [clip for clip in clips if kind_of(clip, field) in (None, kind)]


def _value_results(
    clips: Sequence[Line], scores: Sequence[str], *, field: str, value: str
) -> dict[str, Metrics]:
    same_value = [clip for clip in clips if _value(clip, field) == value]
    fakes = [clip for clip in same_value if not clip.is_real]
    real_clips = [clip for clip in same_value if clip.is_real and value != UNKNOWN]
    all_reals = [clip for clip in clips if clip.is_real]
    found = by_score([*(real_clips or all_reals), *fakes], scores)
    compared = "same" if real_clips else "all"
    return {score: {"reals": compared, **numbers} for score, numbers in found.items()}


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
