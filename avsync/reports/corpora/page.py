"""The page that compares datasets: every score of each, and the mean over them."""

from collections.abc import Sequence

from avsync.evaluation.lines import Metrics
from avsync.reports import html
from avsync.reports.evaluation import wording
from avsync.reports.text import capitalised, readable


def render(summary: Metrics) -> str:
    """The whole page, from `avsync.evaluation.corpora.summarise`."""
    sections = "\n".join(
        part
        for part in (
            _scores(summary),
            _offsets(summary),
            _alarms(summary),
            html.method(_method(summary)),
        )
        if part
    )
    split = summary["split"]
    links = ", ".join(
        str(html.Link(name, f"{name}/{split}/report.html")) for name in summary["datasets"]
    )
    body = "\n".join(
        [
            html.source(f"Checkpoint <code>{html.escape(summary['checkpoint'])}</code>: {links}"),
            html.headline(headline(summary)),
            html.contents(sections),
            sections,
        ]
    )
    return html.document(title(summary), body)


def headline(summary: Metrics) -> str:
    """The means of the headline scores, and the datasets that have none."""
    view, scores = list(summary["views"].items())[-1]
    means = [f"{readable(n)} {_mean(scores[n])}" for n in headline_scores(summary)]
    return f"Mean AUC over datasets, {view}: {'; '.join(means)}."


def headline_scores(summary: Metrics) -> list[str]:
    """The scores of the headline that were computed; all if none of them was."""
    known = list(list(summary["views"].values())[-1])
    return [score for score in wording.HEADLINE_SCORES if score in known] or known


def score_rows(summary: Metrics, scores: Sequence[str]) -> dict[str, list[list[str]]]:
    """By score, a row for each dataset and one for the mean: name, AUC by view, counts."""
    return {score: _rows(summary, score) for score in scores}


def _rows(summary: Metrics, score: str) -> list[list[str]]:
    by_view = [scores.get(score) for scores in summary["views"].values()]
    rows = []
    for name in summary["datasets"]:
        results = [view and view["datasets"].get(name) for view in by_view]
        known = [result for result in results if result]
        cells = [wording.estimate(result, "auc") if result else "" for result in results]
        rows.append([name, *cells, wording.num_clips(known[-1]) if known else ""])
    return [*rows, ["mean over datasets", *[_mean(view) if view else "" for view in by_view], ""]]


def _mean(compared: Metrics) -> str:
    """The text "0.972, n = 3", and those that have no AUC."""
    if compared["mean_auc"] is None:
        return "n/a"
    without = compared["without_auc"]
    missing = f", without {', '.join(without)}" if without else ""
    return f"{compared['mean_auc']:.3f}, n = {compared['num_datasets']}{missing}"


def _scores(summary: Metrics) -> str:
    views = list(summary["views"])
    known = dict.fromkeys(score for scores in summary["views"].values() for score in scores)
    groups = {capitalised(s): rows for s, rows in score_rows(summary, list(known)).items()}
    head = ["Dataset", *[f"AUC, {view}" for view in views], "Real / fake"]
    return html.section("Scores", html.table(head, groups))


def _offsets(summary: Metrics) -> str:
    rows = [[n, f"{wording.corpus_offset(x)}"] for n, x in summary["corpus_offsets"].items()]
    return html.section("A/V offset of each corpus", html.table(["Dataset", "Offset"], {"": rows}))


def _alarms(summary: Metrics) -> str:
    """The errors of the threshold for 5% false alarms; "" without a calibration."""
    rows = [
        [name, *_errors(calibration["rates"][wording.FALSE_ALARM_RATE])]
        for name, calibration in summary["calibration"].items()
        if calibration
    ]
    if not rows:
        return ""
    rate = f"{float(wording.FALSE_ALARM_RATE):.0%}"
    head = ["Dataset", "False alarms", "Expected", "Fakes detected"]
    return html.section(f"Threshold for {rate} false alarms", html.table(head, {"": rows}))


def _errors(rate: Metrics) -> list[str]:
    if rate["threshold"] is None:
        return [str(rate["note"]), "", ""]
    alarms, found = rate["alarms"], rate["found"]
    share = f"{found['share']:.3f} of {found['num_fake']}" if found else "n/a: no fakes"
    if not alarms:
        return ["n/a: no real clips", "", share]
    seen = f"{alarms['rate']:.3f}, {alarms['num_alarms']} of {alarms['num_real']}"
    return [seen, "[{low:.3f}, {high:.3f}]".format(**alarms["expected"]), share]


def title(summary: Metrics) -> str:
    """The text "3 datasets, test split"."""
    return f"{len(summary['datasets'])} datasets, {summary['split']} split"


def _method(summary: Metrics) -> str:
    interval = summary["interval"]
    made = [f"{n}: {about['summary']}" for n, about in summary["fabricated"].items() if about]
    return (
        "Each dataset is evaluated by itself; its page has all numbers. Fake is positive. "
        f"In brackets: the {interval['confidence']:.0%} interval, {interval['method']}. The mean "
        "over datasets is unweighted: a small one counts as much as a large one. A dataset without "
        "an AUC is not in it, and is named. Where all sound of a corpus is late or early by the "
        "same number of frames, it is moved back before it is scored."
        + "".join(f" {sentence}." for sentence in made)
    )
