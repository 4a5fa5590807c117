"""The data card as a self-contained HTML page."""

import re
from collections.abc import Sequence
from html import escape

import numpy as np

from avsync.input_pipeline.sampling import ClipSample
from avsync.reports import drawing, html
from avsync.reports.card import figures, tables
from avsync.reports.card.contents import SEED, Contents, class_of
from avsync.reports.card.tables import Table
from avsync.reports.html import gallery

NUM_FACES = 24

LENGTHS = "Length of the clips, as shares of each class."
SILENCE = "Silence before the first sound of the clips, as shares of each class."


def render(contents: Contents, shown: Sequence[Table], *, title: str, description: str) -> str:
    """The whole page: the tables in order, and the figures before the tables they belong to."""
    sections = []
    for table in shown:
        if table.heading == tables.SILENCE_HEADING:
            sections.append(html.section("Length and silence", _histograms(contents)))
        if table.heading == tables.SOURCES_HEADING:
            sections.append(html.section("Faces", _faces(contents)))
        sections.append(html.section(table.heading, _table(table)))
    body = f"""{_description(description)}
<p class="headline">{escape(tables.headline(contents))}</p>
<p class="note">{escape(tables.sampling_note(contents))}</p>
{"".join(sections)}"""
    return html.document(title, body)


def _description(text: str) -> str:
    """Text with paragraphs and code in backticks, as HTML."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return "\n".join(f'<p class="source">{paragraph}</p>' for paragraph in text.split("\n\n"))


def _table(table: Table) -> str:
    # The caption is outside the element that scrolls sideways on a phone.
    caption = f'<p class="note">{escape(table.caption)}</p>' if table.caption else ""
    return caption + (html.table(table.head, table.groups) if table.groups else "<p>None.</p>")


def _histograms(contents: Contents) -> str:
    pictures = [
        html.picture(drawing.to_png(figures.draw_lengths(contents)), LENGTHS, "narrow"),
        html.picture(drawing.to_png(figures.draw_silence(contents)), SILENCE, "narrow"),
    ]
    return f'<div class="panels">{"".join(pictures)}</div>'


def _faces(contents: Contents) -> str:
    """Mouth crops from the start, middle and end of randomly drawn clips, real and fake alike."""
    clips = [(split.name, clip) for split in contents.splits for clip in split.samples]
    drawn = np.random.default_rng(SEED).permutation(len(clips))[:NUM_FACES]
    chosen = [clips[index] for index in sorted(drawn.tolist())]
    note = (
        f"{len(chosen)} clips drawn at random, with mouth crops from their start, middle and end. "
        "Check that every crop shows a mouth."
    )
    items = [(clip.pictures, _label(split, clip)) for split, clip in chosen]
    return f'<p class="note">{escape(note)}</p>\n{gallery(items)}'


def _label(split: str, clip: ClipSample) -> str:
    kind = clip.manipulation if class_of(clip) == "fake" else "real"
    return f"{clip.clip_id} · {split} · {kind}"
