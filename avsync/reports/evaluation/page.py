"""report.html: what an evaluation found, as a page."""

from collections.abc import Iterable, Mapping
from html import escape

from avsync.evaluation.lines import Metrics
from avsync.reports import html
from avsync.reports.evaluation import details, wording

OTHER_MEASURES = {
    "ap_balanced": "AP, balanced",
    "eer": "Equal error rate",
    "tpr_at_1_fpr": "TPR at 1 % FPR",
    "tpr_at_5_fpr": "TPR at 5 % FPR",
}


def render(metrics: Metrics, *, pictures: str) -> str:
    """The whole page, from the numbers of metrics.json and what `gallery` draws, as HTML."""
    title = f"{metrics['dataset']}, {metrics['split']} split"
    sections = "\n".join(
        [
            _scores_table(metrics),
            pictures,
            _other_measures_table(metrics),
            _kinds_section(metrics),
            details.render(metrics),
            _offsets_table(metrics),
            _clips_section(metrics),
            _method_section(metrics),
        ]
    )
    body = f"""<p class="source">Checkpoint <code>{escape(metrics["checkpoint"])}</code></p>
<p class="headline">{escape(wording.headline(metrics))}</p>
{html.contents(sections)}
{sections}"""
    return html.document(title, body)


def _scores_table(metrics: Metrics) -> str:
    views = metrics["views"]
    head = ["Score", *_view_headings(views), "AUC lost by trimming", "Real / fake"]
    rows = [
        [
            wording.readable(score),
            *_view_cells(views, score),
            wording.estimate(delta, "auc_drop"),
            wording.num_clips(next(reversed(list(views.values())))[score]),
        ]
        for score, delta in metrics["delta"].items()
    ]
    return html.section("Scores", html.table(head, {"": rows}))


def _other_measures_table(metrics: Metrics) -> str:
    head = ["Score", *OTHER_MEASURES.values(), "AUC, over identities"]
    groups = {
        view: [
            [
                wording.readable(score),
                *[wording.estimate(result, name) for name in OTHER_MEASURES],
                wording.auc_over_identities(result),
            ]
            for score, result in scores.items()
        ]
        for view, scores in metrics["views"].items()
    }
    return html.section("Other measures", html.table(head, groups))


def _kinds_section(metrics: Metrics) -> str:
    """The score that others are compared with, and the others to be unfolded."""
    first, *others = sorted(metrics["delta"], key=lambda name: name != metrics["compared_with"])
    caption = (
        "Each kind of fake against all reals; each value of an attribute against the reals of that "
        "value, where there are any."
    )
    tables = [
        html.paragraph(caption),
        html.subsection(wording.title(first), _kinds_table(metrics, first)),
    ]
    tables += [html.folded(wording.title(score), _kinds_table(metrics, score)) for score in others]
    return html.section("By kind of fake", "\n".join(tables))


def _kinds_table(metrics: Metrics, score: str) -> str:
    views = metrics["views"]
    head = ["Fakes", *_view_headings(views), "Real / fake"]
    by_view = {view: scores[score] for view, scores in views.items()}
    groups = {
        "By category": _kind_rows({v: result["by_category"] for v, result in by_view.items()}),
        "By manipulation": _kind_rows(
            {v: result["by_manipulation"] for v, result in by_view.items()}
        ),
    }
    for field in next(iter(by_view.values()))["by_attribute"]:
        groups[f"By {wording.readable(field)}"] = _kind_rows(
            {v: result["by_attribute"][field] for v, result in by_view.items()}
        )
    return html.table(head, groups)


def _kind_rows(results: Mapping[str, Metrics]) -> list[list[str]]:
    """A row for each kind, from what the views, by name, say of it."""
    last = list(results.values())[-1]
    names = {
        kind: f"{kind} (all reals)" if result.get("reals") == "all" else kind
        for kind, result in last.items()
    }
    return [
        [names[kind], *_view_cells(results, kind), wording.num_clips(last[kind])] for kind in last
    ]


def _offsets_table(metrics: Metrics) -> str:
    head = ["View", "Within 1 frame", "Exact", "Median (frames)", "Reals measured", "Not measured"]
    rows = []
    for view, offset in metrics["offsets"].items():
        numbers = [offset["within_1_frame"], offset["exact"]]
        shares = ["n/a" if share is None else f"{share:.1%}" for share in numbers]
        median = "n/a" if offset["median_frames"] is None else f"{offset['median_frames']:g}"
        counts = [str(offset["num_real"]), str(offset["num_unmeasured"])]
        rows.append([view, *shares, median, *counts])
    return html.section("Where the sound of real clips lies", html.table(head, {"": rows}))


def _clips_section(metrics: Metrics) -> str:
    rows = [[view, wording.statuses(numbers)] for view, numbers in metrics["statuses"].items()]
    notes = "".join(
        f'<p class="note">{escape(sentence)}.</p>' for sentence in wording.unscored(metrics)
    )
    return html.section("Clips", html.table(["View", "Clips by status"], {"": rows}) + notes)


def _method_section(metrics: Metrics) -> str:
    interval = metrics["interval"]
    text = (
        "Fake is the positive class; a higher score means more likely fake. In brackets: the "
        f"{interval['confidence']:.0%} interval, {interval['method']}, "
        f"{interval['num_resamples']:,} resamples. It covers which clips were drawn, not which "
        "talkers or training seeds; where every fake scores above every real it is [1, 1], however "
        f"few the clips. Over identities: {interval['over_identities']}. Trimmed: what comes "
        "before the first sound is cut from picture and sound alike. AUC lost by trimming is "
        "computed on the clips scored in both views, both on the same resamples. AP depends on the "
        "share of fakes: compare it between equal mixes only; balanced, reals and fakes weigh "
        "alike. TPR at 1 % FPR: the share of fakes found by the best threshold that at most 1 % of "
        "these reals pass; with fewer than 100 reals, by one above them all."
    )
    return html.section("How to read this", f'<p class="note">{escape(text)}</p>')


def _view_headings(views: Iterable[str]) -> list[str]:
    return [f"{number}, {view}" for number in ("AUC", "AP") for view in views]


def _view_cells(results_by_view: Mapping[str, Metrics], key: str) -> list[str]:
    return [
        wording.estimate(results[key], number)
        for number in ("auc", "ap")
        for results in results_by_view.values()
    ]
