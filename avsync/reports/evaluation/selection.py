"""The scores, points and clips that the report draws where it cannot draw all."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

from avsync.evaluation.lines import Line, Metrics

# More curves cannot be told apart, and there are no more colours.
MAX_SCORES = 6

# More points than this make a cloud no clearer.
MAX_POINTS = 2000

CLIPS_PER_GROUP = 3

# These say nothing beyond another score, unless trimming moves them.
VARIANTS = (
    "alignment_logit",
    "alignment_nll",
    "alignment_resynced",
    "cosine_low_percentile",
    "cosine_max_shift",
    "duration",
)

Item = TypeVar("Item")


class Group(NamedTuple):
    """Clips shown together, the most extreme first, under a heading."""

    heading: str
    clips: list[Line]


def drawn_scores(metrics: Metrics) -> list[str]:
    """The scores that have pictures: the one compared with, then by the AUC lost through trimming.

    A loss counts if its whole interval lies above 0. `VARIANTS` come last; those that lose nothing
    are left out if there are other scores. At most `MAX_SCORES`.
    """
    names = list(metrics["delta"])
    main = metrics["compared_with"]
    losses = {name: _loss(metrics["delta"][name]) for name in names}
    ranked = sorted(names, key=lambda name: (name != main, name in VARIANTS, -losses[name]))
    relevant = [n for n in ranked if n == main or losses[n] or n not in VARIANTS]
    return (relevant or ranked)[:MAX_SCORES]


def subsample(items: Sequence[Item], *, kinds: Sequence[Hashable]) -> list[Item]:
    """Every n-th item of each kind, with n = `step(len(items))`: at least one of each kind."""
    by_kind: dict[Hashable, list[Item]] = {}
    for item, kind in zip(items, kinds, strict=True):
        by_kind.setdefault(kind, []).append(item)
    return [item for alike in by_kind.values() for item in alike[:: step(len(items))]]


def step(num_items: int) -> int:
    """The n of `subsample`: 1 up to `MAX_POINTS` items."""
    return max(1, -(-num_items // MAX_POINTS))


def extremes(clips: Sequence[Line], score: str) -> list[Group]:
    """The hardest clips of each class by this score, then the easiest.

    No clip is in two groups; groups without clips are left out.
    """
    known = [(value, clip) for clip in clips if (value := clip.score(score)) is not None]
    ascending = [clip for _, clip in sorted(known, key=lambda item: item[0])]
    real_clips = [clip for clip in ascending if clip.is_real]
    fakes = [clip for clip in ascending if not clip.is_real]
    groups = [
        Group("Hardest real clips: highest scores", real_clips[::-1][:CLIPS_PER_GROUP]),
        Group("Hardest fakes: lowest scores", fakes[:CLIPS_PER_GROUP]),
        Group("Easiest real clips", real_clips[:-CLIPS_PER_GROUP][:CLIPS_PER_GROUP]),
        Group("Easiest fakes", fakes[CLIPS_PER_GROUP:][::-1][:CLIPS_PER_GROUP]),
    ]
    return [group for group in groups if group.clips]


def _loss(delta: Metrics) -> float:
    """The AUC lost through trimming; 0 if its interval reaches 0."""
    return delta["auc_drop"] if (delta["auc_drop_low"] or 0) > 0 else 0.0
