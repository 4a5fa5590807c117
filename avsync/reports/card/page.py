"""The data card as a self-contained HTML page, with histograms of length and leading silence."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from avsync.input_pipeline.sampling import ClipSample
from avsync.reports import drawing, html
from avsync.reports.card import tables
from avsync.reports.card.contents import CLASSES, SEED, Contents, class_of
from avsync.reports.card.tables import Table
from avsync.reports.html import gallery

NUM_FACES = 24

LENGTHS = "Length of the clips, as shares of each class."
SILENCE = "Silence before the first sound of the clips, as shares of each class."

# Longer silence is counted in the last bin: the silence that gives fakes away lasts tens of
# milliseconds, and an axis of seconds would hide it in one bin.
LONGEST_SILENCE_SECONDS = 0.5
SILENCE_BIN_SECONDS = 0.02


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
<p class="headline">{html.escape(tables.headline(contents))}</p>
<p class="note">{html.escape(tables.sampling_note(contents))}</p>
{"".join(sections)}"""
    return html.document(title, body)


def _description(text: str) -> str:
    """Text with paragraphs and code in backticks, as HTML."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return "\n".join(f'<p class="source">{paragraph}</p>' for paragraph in text.split("\n\n"))


def _table(table: Table) -> str:
    # The caption is outside the element that scrolls sideways on a phone.
    caption = f'<p class="note">{html.escape(table.caption)}</p>' if table.caption else ""
    return caption + (html.table(table.head, table.groups) if table.groups else "<p>None.</p>")


def _histograms(contents: Contents) -> str:
    pictures = [
        html.picture(drawing.to_png(_draw_lengths(contents)), LENGTHS, "narrow"),
        html.picture(drawing.to_png(_draw_silence(contents)), SILENCE, "narrow"),
    ]
    return f'<div class="panels">{"".join(pictures)}</div>'


def _draw_lengths(contents: Contents) -> Figure:
    """Histogram of clip lengths, as shares of each class."""
    seconds = {label: contents.values(label, lambda clip: clip.seconds) for label in CLASSES}
    edges = drawing.bins(np.concatenate(list(seconds.values())))
    return _draw_shares(seconds, edges, "length of the clip (s)")


def _draw_silence(contents: Contents) -> Figure:
    """Histogram of leading silence, as shares of each class."""
    seconds = {
        label: contents.values(
            label, lambda clip: min(clip.leading_silence_seconds, LONGEST_SILENCE_SECONDS)
        )
        for label in CLASSES
    }
    num_bins = round(LONGEST_SILENCE_SECONDS / SILENCE_BIN_SECONDS)
    edges = np.linspace(0, LONGEST_SILENCE_SECONDS, num_bins + 1).tolist()
    return _draw_shares(
        seconds, edges, f"leading silence (s; last bin: {LONGEST_SILENCE_SECONDS} or more)"
    )


def _draw_shares(seconds: Mapping[str, np.ndarray], bins: list[float], axis_label: str) -> Figure:
    figure, (axes,) = drawing.canvas(4.4, 2.8, num_rows=1, num_columns=1)
    for label, values in seconds.items():
        if len(values):
            drawing.draw_shares(axes, values, bins=bins, label=label)
    axes.set_xlim(bins[0], bins[-1])
    axes.set_xlabel(axis_label)
    axes.set_ylabel("share of clips")
    axes.legend(fontsize=8)
    return figure


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
    return f'<p class="note">{html.escape(note)}</p>\n{gallery(items)}'


def _label(split: str, clip: ClipSample) -> str:
    kind = clip.manipulation if class_of(clip) == "fake" else "real"
    return f"{clip.clip_id} · {split} · {kind}"
