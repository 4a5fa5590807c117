"""distortions.html: the finding, the heat map, one table of all cells."""

from collections.abc import Sequence

from avsync.distortions.base import all_distortions
from avsync.evaluation.distorted import FALSE_ALARM_RATE, UNDISTORTED, Cell
from avsync.evaluation.lines import Metrics
from avsync.reports import html, text
from avsync.reports.text import readable

STREAMS = {"visual": "Picture", "audio": "Sound"}


def render(cells: Sequence[Cell], summary: Metrics, *, png: bytes) -> str:
    """The whole page; `png` is the heat map."""
    tested = cells[0]["tested"]
    sections = "\n".join(
        [
            html.section("All cells", html.picture(png, _description(cells), "wide")),
            html.section("Numbers", _table(cells)),
            html.method(_method(tested)),
        ]
    )
    body = "\n".join(
        [
            html.source(f"Checkpoint <code>{html.escape(tested['checkpoint'])}</code>"),
            html.headline(headline(summary)),
            html.contents(sections),
            sections,
        ]
    )
    return html.document(f"Distortions of {tested['dataset']}, {tested['split']} split", body)


def headline(summary: Metrics) -> str:
    """The finding in one sentence: the AUC without distortion, on average, and at worst."""
    mean, worst = summary["mean_auc"], summary["worst"]
    if worst is None:
        return "No distorted cell has an AUC: real clips or fakes are missing."
    listed = [
        f"{value:.3f} over those of the {STREAMS[stream].lower()}"
        for stream, value in mean.items()
        if stream in STREAMS and value is not None
    ]
    return (
        f"AUC {_three(summary['undistorted']['auc'])} undistorted; mean {_three(mean['all'])} over "
        f"{summary['num_cells'] - summary['num_without_auc']} distorted cells "
        f"({', '.join(listed)}); worst {auc(worst)}: {cell_name(worst)}."
    )


def cell_name(cell: Cell) -> str:
    """The text "white noise, 0 dB SNR"."""
    if cell["distortion"] == UNDISTORTED:
        return "undistorted"
    unit = all_distortions()[cell["distortion"]].unit
    return f"{readable(cell['distortion'])}, {cell['strength']:g} {unit}"


def auc(cell: Metrics) -> str:
    """The text "0.972 [0.954, 0.988]", or the reason for no number."""
    if cell["auc"] is None:
        return f"n/a: {cell['note']}"
    return text.interval(cell["auc"], cell["auc_low"], cell["auc_high"])


def _table(cells: Sequence[Cell]) -> str:
    kinds = list(cells[0]["by_kind"])
    head = ["Distortion", "AUC, all fakes", *[f"AUC, {kind}" for kind in kinds]]
    head += ["Offset within 1 frame", "False alarms", "Fakes found", "Real / fake", "Not judged"]
    known = all_distortions()
    groups: dict[str, list[list[str]]] = {"": [_row(cells[0], kinds)]}
    for cell in cells[1:]:
        heading = STREAMS[known[cell["distortion"]].stream]
        groups.setdefault(heading, []).append(_row(cell, kinds))
    return html.table(head, groups)


def _row(cell: Cell, kinds: Sequence[str]) -> list[str]:
    offsets, alarms, found = cell["offsets"], cell["alarms"], cell["found"]
    within = offsets["within_1_frame"]
    not_judged = sum(count for status, count in cell["statuses"].items() if status != "ok")
    return [
        cell_name(cell),
        auc(cell),
        *[auc(cell["by_kind"][kind]) if kind in cell["by_kind"] else "n/a" for kind in kinds],
        "n/a" if within is None else f"{within:.1%} of {offsets['num_real']}",
        _alarms(alarms),
        "n/a" if found is None else f"{found['share']:.1%} of {found['num_fake']}",
        text.real_and_fake(cell["num_real"], cell["num_fake"]),
        str(not_judged),
    ]


def _alarms(alarms: Metrics) -> str:
    if alarms["rate"] is None:
        return f"n/a: {alarms['note']}"
    return text.interval(alarms["rate"], alarms["low"], alarms["high"])


def _description(cells: Sequence[Cell]) -> str:
    return (
        f"{len(cells) - 1} cells and the undistorted clips: AUC over all fakes, share of real "
        "clips whose A/V offset is measured within a frame of 0, and false alarms. Strength 1 is "
        "the weakest; the numbers beside a name are its strengths. Darker is worse."
    )


def _three(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _method(tested: Metrics) -> str:
    limit = f" The first {tested['limit']} clips of the split are used." if tested["limit"] else ""
    return (
        "Each row is an evaluation of the same clips, real and fake ones distorted alike before "
        "leading silence is trimmed; the score is alignment in the trimmed view. No distortion "
        f"moves the sound against the picture. Fakes: {tested['fakes']}.{limit} AUC over all fakes "
        "is the mean over their kinds, weighted by their numbers; in brackets: 95% intervals over "
        "clips. False alarms: the share of real clips above one threshold for all rows, that of "
        f"the undistorted real clips for {FALSE_ALARM_RATE:.0%} false alarms, with the interval of "
        "Clopper and Pearson. The undistorted row itself set the threshold, so its false alarms "
        "are not a test of it. The worst of many cells is worse than expected by chance alone. "
        f"Seed {tested['seed']}."
    )
