"""What a report draws where not everything can be drawn, by rules written beside the pictures."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

from avsync.evaluation.lines import Line, Metrics, is_scored
from avsync.types import REAL

# More curves than these cannot be told apart, nor are there more colours.
MAX_SCORES = 6

# More points than this make a cloud no clearer.
MAX_POINTS = 2000

CLIPS_OF_A_GROUP = 3

# What tells nothing that another score does not, unless trimming moves it.
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
    """Clips that are shown together, the most telling first, and what they have in common."""

    heading: str
    clips: list[Line]


def drawn_scores(metrics: Metrics) -> list[str]:
    """The scores that have pictures: the one compared with, then those that lose most.

    A score loses by trimming if the whole interval of its drop lies above 0. Those of `VARIANTS`
    come last, and are left out if they lose nothing and there are others; so is what goes beyond
    `MAX_SCORES`.
    """
    names = list(metrics["delta"])
    main = metrics["compared_with"]
    losses = {name: _loss(metrics["delta"][name]) for name in names}
    ranked = sorted(names, key=lambda name: (name != main, name in VARIANTS, -losses[name]))
    telling = [n for n in ranked if n == main or losses[n] or n not in VARIANTS]
    return (telling or ranked)[:MAX_SCORES]


def spread_out(items: Sequence[Item], *, kinds: Sequence[Hashable]) -> list[Item]:
    """Of each kind every n-th item, the same n for all: all items up to `MAX_POINTS`, about so many
    of more."""
    step = every(len(items))
    by_kind: dict[Hashable, list[Item]] = {}
    for item, kind in zip(items, kinds, strict=True):
        by_kind.setdefault(kind, []).append(item)
    return [item for of_kind in by_kind.values() for item in of_kind[::step]]


def every(num_items: int) -> int:
    """The n of `spread_out`."""
    return max(1, -(-num_items // MAX_POINTS))


def exemplars(clips: Sequence[Line], score: str) -> list[Group]:
    """The clips on the wrong side of the others of their class, and the clearest of each class.

    No clip is in two groups; groups without clips are left out.
    """
    known = sorted(
        (clip for clip in clips if is_scored(clip, score)), key=lambda clip: clip["scores"][score]
    )
    reals = [clip for clip in known if clip["label"] == REAL]
    fakes = [clip for clip in known if clip["label"] != REAL]
    groups = [
        Group("Reals that look most fake", reals[::-1][:CLIPS_OF_A_GROUP]),
        Group("Fakes that look most real", fakes[:CLIPS_OF_A_GROUP]),
        Group("The clearest reals", reals[:-CLIPS_OF_A_GROUP][:CLIPS_OF_A_GROUP]),
        Group("The clearest fakes", fakes[CLIPS_OF_A_GROUP:][::-1][:CLIPS_OF_A_GROUP]),
    ]
    return [group for group in groups if group.clips]


def _loss(delta: Metrics) -> float:
    """How much AUC trimming takes, 0 if its interval reaches 0."""
    return delta["auc_drop"] if (delta["auc_drop_low"] or 0) > 0 else 0.0
