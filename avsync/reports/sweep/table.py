"""The table of a sweep: for programs (CSV), for readers (markdown)."""

import csv
import io
from collections.abc import Iterable, Sequence

from avsync.sweeps import over_seeds
from avsync.sweeps.outcomes import FAILED, duration
from avsync.sweeps.plan import Sweep
from avsync.sweeps.results import Auc, Result, best, is_ranked

VIEWS = ("original", "trimmed")

# Fields by which a validation loss comes to mean another thing: the clips that it is of, how many
# offsets there are to choose from, how many frames are summed.
CHANGES_OF_LOSS = (
    "data.dataset",
    "data.val_split",
    "model.reach_frames",
    "model.edges",
    "train.loss",
    "train.reduction",
)

SORTED = "Sorted by the best validation loss, by which alone a run is to be chosen."
NOT_CHOSEN = (
    "The test numbers are shown, and nothing was chosen by them: a run picked for its test number "
    "is reported better than it is."
)


def to_csv(sweep: Sweep, results: Iterable[Result]) -> str:
    """A line a run, numbers in full; cells of what is not known are empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    test = [f"test_{view}_auc{end}" for view in VIEWS for end in ("", "_low", "_high")]
    writer.writerow(
        ["run", *sweep.swept, "status", "val_loss", "val_step", *test, "seconds", "reason"]
    )
    for result in results:
        writer.writerow(
            [
                result.run.name,
                *[sweep.value(result.run, field) for field in sweep.swept],
                result.outcome.status,
                result.loss,
                result.step,
                *[number for view in VIEWS for number in result.test.get(view, (None,) * 3)],
                round(result.outcome.seconds, 1),
                result.outcome.reason,
            ]
        )
    return buffer.getvalue()


def to_markdown(sweep: Sweep, results: Sequence[Result], *, tested_on: str) -> str:
    """A page: what was swept, the best run, all runs, and why some failed."""
    ranked = [result for result in results if is_ranked(result)]
    summary = over_seeds.rows(sweep, results, views=VIEWS)
    failed = [result for result in results if result.outcome.status == FAILED]
    head, *cells = rows(sweep, results, fields=sweep.swept, views=VIEWS)
    parts = [
        f"# Sweep of `{sweep.config}`",
        f"{len(ranked)} of {len(results)} runs done, {len(failed)} failed. Test: "
        f"{tested_on or 'none'}.",
        _best(results),
        *[f"**{caution}**" for caution in (caution_of(sweep),) if caution],
        _table(head, cells),
        note_on(results),
        "![runs](sweep.png)",
    ]
    if summary:
        parts += ["## Over seeds", "Mean ± standard deviation.", _table(summary[0], summary[1:])]
    if failed:
        reasons = [f"- `{result.run.name}`: {result.outcome.reason}" for result in failed]
        parts += ["## Failed", "\n".join(reasons)]
    return "\n\n".join(part for part in parts if part) + "\n"


def rows(
    sweep: Sweep, results: Sequence[Result], *, fields: Sequence[str], views: Sequence[str]
) -> list[list[str]]:
    """The cells of a table in words, its head first: of these config fields and views of the test.

    Views in which nothing was tested are left out.
    """
    views = [view for view in views if any(view in result.test for result in results)]
    head = ["run", *fields, "validation loss", "after updates"]
    head += [*[f"test AUC, {view}" for view in views], "wall time", "status"]
    cells = [
        [
            result.run.name,
            *[str(sweep.value(result.run, field)) for field in fields],
            "" if result.loss is None else f"{result.loss:.4f}",
            "" if result.step is None else f"{result.step:,}",
            *[_auc(result.test.get(view)) for view in views],
            duration(result.outcome.seconds) if result.outcome.began else "",
            result.outcome.status,
        ]
        for result in results
    ]
    return [head, *cells]


def note_on(results: Iterable[Result]) -> str:
    """How to choose by the table."""
    return f"{SORTED} {NOT_CHOSEN}" if any(result.test for result in results) else SORTED


def caution_of(sweep: Sweep) -> str:
    """Why validation losses cannot be compared from run to run; "" if they can."""
    changed = [field for field in sweep.swept if field in CHANGES_OF_LOSS]
    if not changed:
        return ""
    return (
        f"Runs that differ in {', '.join(changed)} have validation losses of different meaning: "
        "compare only those that agree in it."
    )


def _best(results: Sequence[Result]) -> str:
    found = best(results)
    if found is None:
        return "No run is done."
    return f"Best by validation: `runs/{found.run.name}`, {found.loss:.4f} nats."


def _auc(found: Auc | None) -> str:
    if found is None:
        return ""
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(map(_line, [head, rule, *cells]))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '¦').split()) for cell in cells)} |"
