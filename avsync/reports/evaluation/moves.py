"""What trimming does to each clip: its score when trimmed against its score as it is."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy import stats

from avsync.evaluation.lines import Line, is_scored
from avsync.evaluation.results import kind_of
from avsync.reports import drawing
from avsync.reports.evaluation import selection
from avsync.reports.evaluation.wording import readable
from avsync.types import FAKE

# Shapes beside the colours of the palette: a printer may have none. The first is for reals.
MARKERS = "o^sDvP"


class Pair(NamedTuple):
    """A clip's lines in the two views."""

    original: Line
    trimmed: Line


class Moves(NamedTuple):
    """Trimmed minus original, in the median over reals and over fakes; None where there are none.

    `rank_correlation` is Spearman's, of the two views over all clips; None if a view is constant.
    """

    num_real: int
    num_fake: int
    of_reals: float | None
    of_fakes: float | None
    rank_correlation: float | None


def pairs(views: Mapping[str, Sequence[Line]], score: str) -> list[Pair]:
    """The clips that have a finite score in both views; none if there is one view alone."""
    if len(views) < len(Pair._fields):
        return []
    originals, trimmed = (
        {clip["clip_id"]: clip for clip in views[view] if is_scored(clip, score)}
        for view in Pair._fields
    )
    return [Pair(clip, trimmed[name]) for name, clip in originals.items() if name in trimmed]


def measure(clips: Sequence[Pair], score: str) -> Moves:
    """How the two views of the clips differ."""
    original, trimmed = _scores(clips, score)
    is_fake = np.array([clip.original["label"] == FAKE for clip in clips], bool)
    moved = trimmed - original
    is_varied = all(len(set(values.tolist())) > 1 for values in (original, trimmed))
    correlation = stats.spearmanr(original, trimmed) if is_varied else None
    return Moves(
        num_real=int(np.sum(~is_fake)),
        num_fake=int(np.sum(is_fake)),
        of_reals=None if is_fake.all() else float(np.median(moved[~is_fake])),
        of_fakes=float(np.median(moved[is_fake])) if is_fake.any() else None,
        rank_correlation=float(correlation.statistic) if correlation else None,  # pyright: ignore
    )


def draw(clips: Sequence[Pair], score: str) -> Figure:
    """A point a clip, of one colour and shape a category, and the diagonal of what does not move.

    Of many clips a part, as `selection.spread_out` has it.
    """
    side = drawing.PHONE_INCHES
    figure, (axes,) = drawing.canvas(side, side, num_rows=1, num_columns=1)
    ends = drawing.limits(np.concatenate(_scores(clips, score)))
    axes.plot(ends, ends, color="black", linewidth=1, linestyle=":", label="not moved")
    kinds = [kind_of(clip.original, "manipulation") for clip in clips]
    drawn = selection.spread_out(clips, kinds=kinds)
    by_category: dict[str, list[Pair]] = {"real": []}
    for clip in drawn:
        by_category.setdefault(kind_of(clip.original, "category") or "real", []).append(clip)
    for (category, shown), marker, colour in zip(
        by_category.items(), cycle(MARKERS), cycle(drawing.PALETTE), strict=False
    ):
        original, trimmed = _scores(shown, score)
        axes.plot(
            original,
            trimmed,
            marker,
            color=colour,
            fillstyle="none",
            markersize=4,
            alpha=0.7,
            # Reals on top: they are fewer, and lie where fakes should not.
            zorder=3 if category == "real" else 2,
            label=f"{category}, n = {len(shown)}",
        )
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel(f"{readable(score)}, original", fontsize=9)
    axes.set_ylabel(f"{readable(score)}, trimmed", fontsize=9)
    axes.tick_params(labelsize=8)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=2)
    return figure


def _scores(
    clips: Sequence[Pair], score: str
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    by_view = np.array([[line["scores"][score] for line in clip] for clip in clips], float)
    original, trimmed = by_view.reshape(-1, len(Pair._fields)).T
    return original, trimmed
