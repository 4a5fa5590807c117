"""report.html of an audit."""

from collections.abc import Mapping, Sequence

from avsync.audits.measuring import VIEWS
from avsync.audits.results import Audit, ShortcutResult, StrengthsByKind
from avsync.audits.strength import MIN_GROUPS
from avsync.reports import drawing, html
from avsync.reports.audit import figures, wording

MAX_CATEGORIES = 20


def render(audited: Audit, *, title: str, by_kind: Mapping[str, StrengthsByKind]) -> str:
    """The whole page; shortcuts whose name is in `by_kind` get a section of their own."""
    detailed = [result for result in audited.found if result.name in by_kind]
    sections = [
        _results_section("Shortcuts found", audited.found),
        *[_result_section(audited, result, by_kind[result.name]) for result in detailed],
        _results_section("Shortcuts not found", audited.not_found),
        _notes_section(audited),
        _method_section(audited),
    ]
    body = f"""<p class="source">{html.escape(wording.clips(audited))}</p>
<p class="headline">{html.escape(wording.headline(audited))}</p>
{"".join(sections)}"""
    return html.document(title, body)


def _results_section(heading: str, results: Sequence[ShortcutResult]) -> str:
    if not results:
        return ""
    rows = [
        [
            f"{wording.readable(result.name)}: {result.shortcut.description}",
            *[wording.estimate(strength) for strength in (result.original, result.trimmed)],
            wording.num_clips(result.original),
        ]
        for result in results
    ]
    head = ["Shortcut", *[f"AUC, {view}" for view in VIEWS], "Real / fake"]
    return html.section(heading, html.table(head, {"": rows}))


def _result_section(audited: Audit, result: ShortcutResult, by_kind: StrengthsByKind) -> str:
    name = wording.readable(result.name)
    picture = html.picture(
        drawing.to_png(figures.draw_result(audited, result)),
        f"{result.shortcut.description.capitalize()}: distribution over real and over fake clips"
        f"{_threshold(result)}.",
        "narrow",
    )
    head = ["Fakes", *[f"AUC, {view}" for view in VIEWS], "Real / fake"]
    caption = (
        "Each kind of fake against all real clips; no interval for fakes from fewer than "
        f"{MIN_GROUPS} {audited.group_kind}."
    )
    groups = {
        f"By {field}": [
            [
                kind,
                *[wording.estimate(views[view]) for view in VIEWS],
                wording.num_clips(views["original"]),
            ]
            for kind, views in kinds.items()
        ]
        for field, kinds in by_kind.items()
    }
    tables = html.table(head, groups, caption)
    if result.categories:
        tables += _categories_table(result)
    return html.section(name.capitalize(), picture + tables)


def _threshold(result: ShortcutResult) -> str:
    side = wording.fake_if(result)
    return f". Best threshold: fake if {side}" if side else ""


def _categories_table(result: ShortcutResult) -> str:
    rows = [
        [category, str(num_real), str(num_fake)]
        for category, (num_real, num_fake) in list(result.categories.items())[:MAX_CATEGORIES]
    ]
    left_out = len(result.categories) - len(rows)
    caption = (
        f"The {len(rows)} most frequent categories; {left_out} more are omitted."
        if left_out
        else ""
    )
    return html.table(["Category", "Real clips", "Fake clips"], {"": rows}, caption)


def _notes_section(audited: Audit) -> str:
    notes = [f"{sentence}." for sentence in wording.failures(audited)]
    if audited.not_measured:
        names = ", ".join(map(wording.readable, audited.not_measured))
        notes.append(f"No clip of this split has a value for: {names}.")
    paragraphs = "".join(f'<p class="note">{html.escape(note)}</p>' for note in notes)
    return html.section("Not measured", paragraphs) if notes else ""


def _method_section(audited: Audit) -> str:
    text = (
        "Fake is the positive class. A number ranks the clips by its value; its sign is the one "
        "that gives the higher AUC in the original view, and stays the same in the trimmed view. A "
        "category ranks a clip by the share of fakes among other clips of this category, the "
        "network by a linear probe trained on other clips; both use five-fold cross-validation, "
        "with a source and all its fakes in one fold. Sound swapped between clips may still occur "
        "in two folds: the probe then takes the fake for real, and its AUC falls below 0.5. "
        "Brackets give 95% confidence intervals that hold for all shortcuts and both views "
        f"simultaneously, from a bootstrap over {len(set(audited.groups))} {audited.group_kind}. A "
        "shortcut counts as found if its interval lies above 0.5; on a split without shortcuts, 19 "
        "of 20 audits find none. Choosing the sign raises the AUC of noise above 0.5, by 0.8 "
        "standard errors on average; the interval is that of the chosen sign. The trimmed view "
        "starts at the first sound, cut in whole video frames; properties of the raw file are the "
        "same in both views. An audit finds only the shortcuts that it measures; others may exist."
    )
    return html.section("How to read this", f'<p class="note">{html.escape(text)}</p>')
