"""The tables of report.html."""

from collections.abc import Iterable, Mapping

from avsync.evaluation.lines import Metrics
from avsync.metrics.corpus_offset import in_words
from avsync.reports import html
from avsync.reports.evaluation import wording
from avsync.reports.text import capitalised, readable

OTHER_MEASURES = {
    "ap_balanced": "AP, balanced",
    "eer": "Equal error rate",
    "tpr_at_1_fpr": "TPR at 1% FPR",
    "tpr_at_5_fpr": "TPR at 5% FPR",
}


def scores(metrics: Metrics) -> str:
    """AUC and AP of every score in each view, and the drop of AUC by trimming."""
    views = metrics["views"]
    head = ["Score", *_view_headings(views), "AUC drop", "Real / fake"]
    rows = [
        [
            readable(score),
            *_view_cells(views, score),
            wording.estimate(delta, "auc_drop"),
            wording.num_clips(next(reversed(list(views.values())))[score]),
        ]
        for score, delta in metrics["delta"].items()
    ]
    return html.section("Scores", html.table(head, {"": rows}))


def other_measures(metrics: Metrics) -> str:
    """The other measures of every score, and its AUC with the interval over identities."""
    head = ["Score", *OTHER_MEASURES.values(), "AUC, interval over speakers"]
    groups = {
        view: [
            [
                readable(score),
                *[wording.estimate(result, name) for name in OTHER_MEASURES],
                wording.auc_over_identities(result),
            ]
            for score, result in results.items()
        ]
        for view, results in metrics["views"].items()
    }
    return html.section("Other measures", html.table(head, groups))


def kinds(metrics: Metrics) -> str:
    """Each score by kind of fake: the one compared with in full, the others folded."""
    first, *others = sorted(metrics["delta"], key=lambda name: name != metrics["compared_with"])
    caption = (
        "Each kind of fake against all real clips; each value of an attribute against the real "
        "clips of that value, where there are any."
    )
    tables = [
        html.paragraph(caption),
        html.subsection(capitalised(first), _kinds_table(metrics, first)),
    ]
    tables += [html.folded(capitalised(score), _kinds_table(metrics, score)) for score in others]
    return html.section("By kind of fake", "\n".join(tables))


def differences(metrics: Metrics) -> str:
    """The paired comparison of every score with the one compared with; "" if there are none."""
    base, views = metrics["compared_with"], metrics["differences"]
    groups = {
        view: [
            [readable(score), wording.estimate(change, "auc_drop")]
            for score, change in changes.items()
        ]
        for view, changes in views.items()
    }
    if not any(groups.values()):
        return ""
    head = ["Score", f"AUC of {readable(base)} minus AUC of this score, same clips"]
    return html.section(f"Compared with {readable(base)}", html.table(head, groups))


def thresholds(metrics: Metrics) -> str:
    """The thresholds of the calibration and their errors on these clips; "" without calibration."""
    calibration = metrics["calibration"]
    if not calibration:
        return ""
    head = [
        "Target false-alarm rate",
        "Threshold",
        "Expected rate",
        "False alarms here",
        "Expected here",
        "Fakes detected",
    ]
    rows = [[target, *_threshold_cells(rate)] for target, rate in calibration["rates"].items()]
    caption = (
        f"From {calibration['num_calibration']} real clips of {calibration['dataset']}, "
        f"{calibration['split']} split, scored with {calibration['frame']} and "
        f"{calibration['pooling']} pooling. The target holds for real clips of that kind, on "
        "average over calibration sets. In brackets: the 95% interval of the rate given this "
        "calibration set. Expected here: the same for the rate among the real clips of this split."
    )
    if frames := calibration["realigned_frames"]:
        caption += f" The sound of all calibration clips is {in_words(frames)}, and was moved back."
    if calibration["num_abstained"]:
        caption += (
            f" Not counted: {calibration['num_abstained']} clips that are too short or too silent "
            "to be judged."
        )
    return html.section("Thresholds from real clips alone", html.table(head, {"": rows}, caption))


def localisation(metrics: Metrics) -> str:
    """The localisation of forged segments; "" if no fake is partly forged."""
    if not any(metrics["localisation"].values()):
        return ""
    some = next(result for kinds in metrics["localisation"].values() for result in kinds.values())
    head = ["Fakes, n = real / fake", "Forged share of worst window", "Frame AUC"]
    head += [f"AP@{overlap}" for overlap in some["ap"]] + [f"AR@{n}" for n in some["ar"]]
    groups = {
        view: [
            [
                f"{kind}, n = {wording.num_clips(result)}",
                _share(result["best_window_overlap"]),
                _share(result["frame_auc"]),
                *[_share(value) for value in (result["ap"] | result["ar"]).values()],
            ]
            for kind, result in kinds.items()
        ]
        for view, kinds in metrics["localisation"].items()
    }
    caption = (
        "Worst window: the window with the highest mean score, as long as the true segment. AP and "
        "AR follow the protocol of AV-Deepfake1M, over these fakes and all real clips."
    )
    return html.section("Localisation", html.table(head, groups, caption))


def poolings(metrics: Metrics) -> str:
    """The alignment score under every pooling; "" if no clip was pooled."""
    head = ["Pooling", "AUC", "Correlation with length, real clips", "Real / fake"]
    groups = {
        view: [
            [
                readable(name),
                wording.estimate(result, "auc"),
                wording.correlation(result["length_correlation"]),
                wording.num_clips(result),
            ]
            for name, result in results.items()
        ]
        for view, results in metrics["poolings"].items()
    }
    if not any(groups.values()):
        return ""
    caption = (
        "The same frame scores pooled to clip scores by every rule. Correlation: Spearman's. The "
        "rule in use gives the AUC of alignment."
    )
    return html.section("Poolings", html.table(head, groups, caption))


def offsets(metrics: Metrics) -> str:
    """The A/V offsets of the real clips."""
    head = ["View", "Within 1 frame", "Exact", "Median (frames)", "Real clips", "Not measured"]
    rows = []
    for view, offset in metrics["offsets"].items():
        numbers = [offset["within_1_frame"], offset["exact"]]
        shares = ["n/a" if share is None else f"{share:.1%}" for share in numbers]
        median = "n/a" if offset["median_frames"] is None else f"{offset['median_frames']:g}"
        counts = [str(offset["num_real"]), str(offset["num_unmeasured"])]
        rows.append([view, *shares, median, *counts])
    corpus = f"A/V offset of this corpus: {wording.corpus_offset(metrics['corpus_offset'])}."
    if metrics["corpus_offset"]["realigned_frames"]:
        corpus += (
            " All scores are those of the moved clips, but for alignment as stored; offsets are "
            "those of the clips as they are stored."
        )
    content = html.table(head, {"": rows}) + html.paragraph(corpus)
    return html.section("A/V offset of real clips", content)


def fabricated(metrics: Metrics) -> str:
    """The fakes that were made of the clips, and those that were left out; "" if none were made."""
    about = metrics["fabricated"]
    if not about:
        return ""
    head = ["Fakes", "Made", "Left out", "Reasons"]
    rows = [
        [
            kind,
            str(numbers["made"]),
            str(sum(numbers["left_out"].values())),
            ", ".join(f"{reason}: {count}" for reason, count in numbers["left_out"].items()),
        ]
        for kind, numbers in about["kinds"].items()
    ]
    caption = f"{about['summary']}. Seed {about['seed']}."
    return html.section("Fakes made of these clips", html.table(head, {"": rows}, caption))


def clips(metrics: Metrics) -> str:
    """The clips by status, and those without a score."""
    rows = [[view, wording.statuses(numbers)] for view, numbers in metrics["statuses"].items()]
    notes = [html.paragraph(f"{sentence}.") for sentence in wording.unscored(metrics)]
    table = html.table(["View", "Clips by status"], {"": rows})
    return html.section("Clips", table + "".join(notes))


def _kinds_table(metrics: Metrics, score: str) -> str:
    views = metrics["views"]
    head = ["Fakes", *_view_headings(views), "Real / fake"]
    by_view = {view: results[score] for view, results in views.items()}
    groups = {
        "By category": _kind_rows({v: result["by_category"] for v, result in by_view.items()}),
        "By manipulation": _kind_rows(
            {v: result["by_manipulation"] for v, result in by_view.items()}
        ),
    }
    for field in next(iter(by_view.values()))["by_attribute"]:
        groups[f"By {readable(field)}"] = _kind_rows(
            {v: result["by_attribute"][field] for v, result in by_view.items()}
        )
    return html.table(head, groups)


def _kind_rows(results: Mapping[str, Metrics]) -> list[list[str]]:
    """A row for each kind, from the results by view."""
    last = list(results.values())[-1]
    names = {
        kind: f"{kind} (all real clips)" if result.get("reals") == "all" else kind
        for kind, result in last.items()
    }
    return [
        [names[kind], *_view_cells(results, kind), wording.num_clips(last[kind])] for kind in last
    ]


def _threshold_cells(rate: Metrics) -> list[str]:
    if rate["threshold"] is None:
        return [rate["note"], "", "", "", ""]
    expected_rate = "{mean:.3f} [{low:.3f}, {high:.3f}]".format(**rate["promised"])
    alarms, detected = rate["alarms"], rate["found"]
    seen, expected = "n/a: no real clips", ""
    if alarms:
        seen = f"{alarms['rate']:.3f}, {alarms['num_alarms']} of {alarms['num_real']}"
        expected = "[{low:.3f}, {high:.3f}]".format(**alarms["expected"])
    share = f"{detected['share']:.3f} of {detected['num_fake']}" if detected else "n/a: no fakes"
    return [f"{rate['threshold']:.4f}", expected_rate, seen, expected, share]


def _view_headings(views: Iterable[str]) -> list[str]:
    return [f"{number}, {view}" for number in ("AUC", "AP") for view in views]


def _view_cells(results_by_view: Mapping[str, Metrics], key: str) -> list[str]:
    return [
        wording.estimate(results[key], number)
        for number in ("auc", "ap")
        for results in results_by_view.values()
    ]


def _share(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
