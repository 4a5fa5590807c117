"""card.html: the card as a page, its pictures inside."""

import re
from collections.abc import Sequence
from html import escape

import numpy as np

from avsync.input_pipeline.sampling import Glimpse
from avsync.reports import drawing, html
from avsync.reports.card import figures, wording
from avsync.reports.card.contents import SEED, Contents, class_of
from avsync.reports.card.tables import Table
from avsync.reports.html import gallery

NUM_FACES = 24


def render(contents: Contents, tables: Sequence[Table], *, title: str, description: str) -> str:
    """The whole page; pictures stand where they belong to a table."""
    sections = []
    for table in tables:
        if table.heading == "Leading silence":
            sections.append(html.section("Length and silence", _histograms(contents)))
        if table.heading == "Sources":
            sections.append(html.section("Faces", _faces(contents)))
        sections.append(html.section(table.heading, _content(table)))
    body = f"""{_described(description)}
<p class="headline">{escape(wording.headline(contents))}</p>
<p class="note">{escape(wording.sampling(contents))}</p>
{"".join(sections)}"""
    return html.document(title, body)


def _described(description: str) -> str:
    """Paragraphs of text, with code in backticks, as HTML."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(description))
    return "\n".join(f'<p class="source">{paragraph}</p>' for paragraph in text.split("\n\n"))


def _content(table: Table) -> str:
    # The caption stands outside of what is scrolled sideways on a phone.
    caption = f'<p class="note">{escape(table.caption)}</p>' if table.caption else ""
    return caption + (html.table(table.head, table.groups) if table.groups else "<p>None.</p>")


def _histograms(contents: Contents) -> str:
    pictures = [
        html.picture(drawing.to_png(figures.draw_lengths(contents)), wording.LENGTHS, "narrow"),
        html.picture(drawing.to_png(figures.draw_silence(contents)), wording.SILENCE, "narrow"),
    ]
    return f'<div class="panels">{"".join(pictures)}</div>'


def _faces(contents: Contents) -> str:
    """Clips drawn at random, reals and fakes alike, each at its beginning, middle and end."""
    clips = [(split.name, clip) for split in contents.splits for clip in split.glimpses]
    drawn = np.random.default_rng(SEED).permutation(len(clips))[:NUM_FACES]
    chosen = [clips[index] for index in sorted(drawn.tolist())]
    note = (
        f"{len(chosen)} clips drawn at random, with their mouth crops at the beginning, in the "
        "middle and at the end. Look for crops that are no mouths."
    )
    items = [(clip.pictures, _label(split, clip)) for split, clip in chosen]
    return f'<p class="note">{escape(note)}</p>\n{gallery(items)}'


def _label(split: str, clip: Glimpse) -> str:
    how = clip.manipulation if class_of(clip) == "fake" else "real"
    return f"{clip.clip_id} · {split} · {how}"
