"""report.html of an audit: what would fool a model, as a page."""

from collections.abc import Sequence
from html import escape

from avsync.audits.findings import Audit, Finding
from avsync.audits.measuring import VIEWS
from avsync.audits.strength import MIN_GROUPS
from avsync.reports import drawing, html
from avsync.reports.audit import figures, wording
from avsync.reports.audit.kinds import Kinds

MAX_CATEGORIES = 20


def render(audited: Audit, *, title: str, kinds: Kinds) -> str:
    """The whole page; `kinds` are those of the findings that are told at length."""
    shown = [finding for finding in audited.found if finding.name in kinds]
    sections = [
        _findings_section("Found", audited.found),
        *[_finding_section(audited, finding, kinds) for finding in shown],
        _findings_section("Not found", [f for f in audited.findings if not f.is_found]),
        _notes_section(audited),
        _method_section(audited),
    ]
    body = f"""<p class="source">{escape(wording.clips(audited))}</p>
<p class="headline">{escape(wording.headline(audited))}</p>
{"".join(sections)}"""
    return html.document(title, body)


def _findings_section(heading: str, findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    rows = [
        [
            f"{wording.readable(finding.name)}: {finding.shortcut.description}",
            *[wording.estimate(strength) for strength in (finding.original, finding.trimmed)],
            wording.num_clips(finding.original),
        ]
        for finding in findings
    ]
    head = ["Shortcut", *[f"AUC, {view}" for view in VIEWS], "Real / fake"]
    return html.section(heading, html.table(head, {"": rows}))


def _finding_section(audited: Audit, finding: Finding, kinds: Kinds) -> str:
    name = wording.readable(finding.name)
    picture = html.picture(
        drawing.to_png(figures.draw_finding(audited, finding)),
        f"{finding.shortcut.description.capitalize()}, over reals and over fakes"
        f"{_threshold(finding)}",
        "narrow",
    )
    head = ["Fakes", *[f"AUC, {view}" for view in VIEWS], "Real / fake"]
    caption = (
        "Each kind of fake against all reals; without an interval where fakes are of fewer than "
        f"{MIN_GROUPS} {audited.group_kind}."
    )
    groups = {
        f"By {field}": [
            [
                kind,
                *[wording.estimate(views[view]) for view in VIEWS],
                wording.num_clips(views["original"]),
            ]
            for kind, views in of_field.items()
        ]
        for field, of_field in kinds[finding.name].items()
    }
    tables = html.table(head, groups, caption)
    if finding.categories:
        tables += _categories_table(finding)
    return html.section(name.capitalize(), picture + tables)


def _threshold(finding: Finding) -> str:
    """Where the picture is to be cut in two."""
    side = wording.fake_if(finding)
    return f": best told apart by calling fake what is {side}" if side else ""


def _categories_table(finding: Finding) -> str:
    rows = [
        [category, str(num_real), str(num_fake)]
        for category, (num_real, num_fake) in list(finding.categories.items())[:MAX_CATEGORIES]
    ]
    left_out = len(finding.categories) - len(rows)
    caption = f"The {len(rows)} most frequent; {left_out} more are left out." if left_out else ""
    return html.table(["Category", "Real clips", "Fake clips"], {"": rows}, caption)


def _notes_section(audited: Audit) -> str:
    notes = [f"{sentence}." for sentence in wording.failures(audited)]
    if audited.not_measured:
        names = ", ".join(map(wording.readable, audited.not_measured))
        notes.append(f"The records of this split do not tell: {names}.")
    paragraphs = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return html.section("Not measured", paragraphs) if notes else ""


def _method_section(audited: Audit) -> str:
    text = (
        "Fake is the positive class. A number ranks the clips by itself, with the sign that is "
        "better in the original view and is kept when trimmed; a category ranks them by the share "
        "of fakes among other clips of it, the network by a linear probe trained on other clips, "
        "both five-fold with a source and all its fakes in one fold. Sound lent by one clip to "
        "another may still be in two folds: the probe then takes it for real, and falls below 0.5. "
        "In brackets: 95 % intervals that hold for all shortcuts and both views at once, by a "
        f"bootstrap over {len(set(audited.groups))} {audited.group_kind}. A shortcut is found if "
        "its interval lies above 0.5; where there is none, 19 of 20 audits find none. The better "
        "sign makes the AUC of noise larger than 0.5, by 0.8 standard errors on average, and the "
        "interval is mirrored with it. Trimmed: what comes before the first sound is cut, in whole "
        "video frames; what was measured of the raw file stays as it is. What is not found may "
        "still be there: an audit knows the shortcuts that it measures."
    )
    return html.section("How to read this", f'<p class="note">{escape(text)}</p>')
