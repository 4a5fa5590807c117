"""The parts of report.html that only some evaluations have."""

from avsync.evaluation.lines import Metrics
from avsync.reports import html
from avsync.reports.evaluation import wording


def render(metrics: Metrics) -> str:
    """All parts that these metrics have numbers for, as HTML."""
    parts = [
        _differences(metrics),
        _calibration(metrics),
        _localisation(metrics),
        _poolings(metrics),
    ]
    return "\n".join(part for part in parts if part)


def _differences(metrics: Metrics) -> str:
    """The paired comparison of every score with the one compared with."""
    base, views = metrics["compared_with"], metrics["differences"]
    groups = {
        view: [
            [wording.readable(score), wording.estimate(change, "auc_drop")]
            for score, change in changes.items()
        ]
        for view, changes in views.items()
    }
    if not any(groups.values()):
        return ""
    head = ["Score", f"AUC of {wording.readable(base)} minus its AUC, same clips"]
    return html.section(f"Against {wording.readable(base)}", html.table(head, groups))


def _calibration(metrics: Metrics) -> str:
    kept = metrics["calibration"]
    if not kept:
        return ""
    head = ["False-alarm rate", "Threshold", "Promised", "Seen here", "Expected", "Fakes found"]
    rows = []
    for rate, promise in kept["rates"].items():
        if promise["threshold"] is None:
            rows.append([rate, promise["note"], "", "", "", ""])
            continue
        promised = "{mean:.3f} [{low:.3f}, {high:.3f}]".format(**promise["promised"])
        alarms, found = promise["alarms"], promise["found"]
        seen, expected = "n/a: no reals", ""
        if alarms:
            seen = f"{alarms['rate']:.3f}, {alarms['num_alarms']} of {alarms['num_real']}"
            expected = "[{low:.3f}, {high:.3f}]".format(**alarms["expected"])
        share = f"{found['share']:.3f} of {found['num_fake']}" if found else "n/a: no fakes"
        rows.append([rate, f"{promise['threshold']:.4f}", promised, seen, expected, share])
    caption = (
        f"From the scores of {kept['num_calibration']} reals of {kept['dataset']}, "
        f"{kept['split']} split, {kept['frame']} by {kept['pooling']}. The promise holds for "
        "reals of that kind, on average over such sets; in brackets, where the rate of this set "
        "lies with 95 % probability. Expected: where it lies among as many reals as there are here."
    )
    if kept["num_abstained"]:
        caption += (
            f" Clips here that are too short or silent to be judged: {kept['num_abstained']}; they "
            "count nowhere."
        )
    return html.section("Thresholds from reals alone", html.table(head, {"": rows}, caption))


def _localisation(metrics: Metrics) -> str:
    if not any(metrics["localisation"].values()):
        return ""
    some = next(found for kinds in metrics["localisation"].values() for found in kinds.values())
    head = ["Fakes", "Worst window forged", "Frame AUC"]
    head += [f"AP@{overlap}" for overlap in some["ap"]] + [f"AR@{n}" for n in some["ar"]]
    groups = {
        view: [
            [
                f"{kind}, n = {found['num_fake']}",
                _share(found["best_window_overlap"]),
                _share(found["frame_auc"]),
                *[_share(value) for value in (found["ap"] | found["ar"]).values()],
            ]
            for kind, found in kinds.items()
        ]
        for view, kinds in metrics["localisation"].items()
    }
    caption = (
        "Worst window forged: how much of the window of highest mean score, as long as the true "
        "segment, is forged. AP and AR by the protocol of AV-Deepfake1M, all reals included."
    )
    return html.section("Where the forgery is", html.table(head, groups, caption))


def _poolings(metrics: Metrics) -> str:
    head = ["Pooling", "AUC", "Correlation with length, reals", "Real / fake"]
    groups = {
        view: [
            [
                wording.readable(name),
                wording.estimate(found, "auc"),
                wording.correlation(found["length_correlation"]),
                wording.num_clips(found),
            ]
            for name, found in poolings.items()
        ]
        for view, poolings in metrics["poolings"].items()
    }
    if not any(groups.values()):
        return ""
    caption = (
        "Frame scores to clip score; correlation by Spearman. The one in use is that of alignment."
    )
    return html.section("Other ways of pooling", html.table(head, groups, caption))


def _share(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
