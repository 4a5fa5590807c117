"""The table of a sweep, as CSV for programs and as markdown for readers."""

import csv
import io
import statistics
from collections.abc import Iterable, Sequence

from avsync.evaluation.lines import VIEWS
from avsync.names import shown_text
from avsync.sweeps.plan import LOSS_FIELDS, Sweep
from avsync.sweeps.results import FAILED, PRUNED, Auc, Result, best, duration, is_ranked

SEED = "seed"

SELECTION = "Sorted by best validation loss; choose a run by this alone."
TEST_SELECTION = (
    "Test results are for information only: choosing a run by its test result overstates that "
    "result."
)


def to_csv(sweep: Sweep, results: Iterable[Result]) -> str:
    """Return one line per run with unrounded numbers; unknown values are empty."""
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
    """Return a page with the best run, all runs, a summary over seeds and the failures."""
    ranked = [result for result in results if is_ranked(result)]
    summary = rows_over_seeds(sweep, results, views=VIEWS)
    failed = [result for result in results if result.outcome.status == FAILED]
    head, *cells = rows(sweep, results, fields=sweep.swept, views=VIEWS)
    parts = [
        f"# Sweep of `{sweep.config}`",
        f"{len(ranked)} of {len(results)} runs done, {len(failed)} failed{_pruned(results)}. Test: "
        f"{tested_on or 'none'}.",
        _best(results),
        *[f"**{warning}**" for warning in (comparison_warning(sweep),) if warning],
        _table(head, cells),
        selection_note(results),
        "![Validation loss and test AUC of the runs](sweep.png)",
    ]
    if summary:
        parts += [
            "## Over seeds",
            "Mean ± standard deviation.",
            _table(summary[0], summary[1:]),
        ]
    if failed:
        reasons = [f"- `{result.run.name}`: {result.outcome.reason}" for result in failed]
        parts += ["## Failed runs", "\n".join(reasons)]
    return shown_text("\n\n".join(part for part in parts if part)) + "\n"


def rows(
    sweep: Sweep, results: Sequence[Result], *, fields: Sequence[str], views: Sequence[str]
) -> list[list[str]]:
    """Return the formatted cells of the table, header first.

    Columns cover these config fields and test views; views without test results are left out.
    """
    views = [view for view in views if any(view in result.test for result in results)]
    head = ["run", *fields, "validation loss", "step"]
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


def selection_note(results: Iterable[Result]) -> str:
    """Return how to choose a run from the table."""
    is_tested = any(result.test for result in results)
    return f"{SELECTION} {TEST_SELECTION}" if is_tested else SELECTION


def comparison_warning(sweep: Sweep) -> str:
    """Return why validation losses are not comparable across runs; "" if they are."""
    changed = [field for field in sweep.swept if field in LOSS_FIELDS]
    if not changed:
        return ""
    return f"Validation losses are not comparable between runs that differ in {', '.join(changed)}."


def rows_over_seeds(
    sweep: Sweep, results: Sequence[Result], *, views: Sequence[str]
) -> list[list[str]]:
    """Return mean ± standard deviation over the seeds of each setting, header first.

    A setting is the values of all swept fields but the seed; the one with the smallest mean
    validation loss is first. Empty unless some setting has two finished runs.
    """
    others = [field for field in sweep.swept if field != SEED]
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in filter(is_ranked, results):
        setting = tuple(str(sweep.value(result.run, field)) for field in others)
        groups.setdefault(setting, []).append(result)
    if SEED not in sweep.swept or all(len(group) < 2 for group in groups.values()):
        return []
    views = [view for view in views if any(view in result.test for result in results)]
    head = [*others, "seeds", "validation loss", *[f"test AUC, {view}" for view in views]]
    cells = [
        [
            *setting,
            str(len(group)),
            _mean(_losses(group), digits=4),
            *[
                _mean([r.test[view].value for r in group if view in r.test], digits=3)
                for view in views
            ],
        ]
        for setting, group in sorted(
            groups.items(), key=lambda item: statistics.mean(_losses(item[1]))
        )
    ]
    return [head, *cells]


def _losses(group: Sequence[Result]) -> list[float]:
    return [result.loss for result in group if result.loss is not None]


def _mean(values: Sequence[float], *, digits: int) -> str:
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def _pruned(results: Sequence[Result]) -> str:
    num_pruned = sum(result.outcome.status == PRUNED for result in results)
    return f", {num_pruned} pruned: ended early for their validation loss" if num_pruned else ""


def _best(results: Sequence[Result]) -> str:
    result = best(results)
    if result is None:
        return "No run has finished."
    return f"Best by validation: `runs/{result.run.name}`, {result.loss:.4f} nats."


def _auc(auc: Auc | None) -> str:
    if auc is None:
        return ""
    if auc.low is None or auc.high is None:
        return f"{auc.value:.3f}"
    return f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"


def _table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(map(_line, [head, rule, *cells]))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '¦').split()) for cell in cells)} |"
