"""Self-contained HTML pages: style, pictures and data inside."""

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from avsync.names import shown_text

STYLE = Path(__file__).with_name("report.css")

# Never broken across lines in a narrow table: an interval, and counts of real and fake clips.
UNBROKEN = re.compile(r"\[[^\]]*\]|\d+ / \d+")

SECTION = re.compile('<section id="(.*?)">\n<h2>(.*?)</h2>')


def document(title: str, body: str, *, head: str = "") -> str:
    """The whole page. In all of this module, titles and captions are text, bodies are HTML.

    `head` is HTML at the end of the head of the page, after its style.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
{head}</head>
<body>
<h1>{escape(title)}</h1>
{body}
</body>
</html>
"""


def escape(text: str) -> str:
    """The text as HTML; what is not printable, and would reorder or hide text, as escapes."""
    return html.escape(shown_text(text))


def json_script(name: str, value: Any) -> str:
    """A value for the script of a page, as JSON in an element with this id; it ends no element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    # In JSON these stand in texts only, where they may be escapes.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>'


def section(heading: str, content: str) -> str:
    """HTML under a heading that `contents` links to."""
    name = re.sub(r"\W+", "-", heading.lower()).strip("-")
    return f'<section id="{name}">\n<h2>{escape(heading)}</h2>\n{content}\n</section>'


def contents(sections: str) -> str:
    """Links to the sections of this HTML."""
    links = "\n".join(f'<a href="#{name}">{text}</a>' for name, text in SECTION.findall(sections))
    return f'<nav aria-label="Contents">\n{links}\n</nav>'


def folded(summary: str, content: str) -> str:
    """HTML behind a summary, plain text, that the reader opens; in print it is open."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{content}\n</details>"


def subsection(heading: str, content: str) -> str:
    """HTML under a heading within a section."""
    return f"<h3>{escape(heading)}</h3>\n{content}"


class Link(NamedTuple):
    """A link to a file in the folder of the page, or below it."""

    text: str
    file: str

    def __str__(self) -> str:
        # "surrogateescape": a name that is not UTF-8 is linked by its bytes.
        return f'<a href="{quote(self.file, errors="surrogateescape")}">{escape(self.text)}</a>'


# The content of a cell: plain text, or links.
Cell = str | Sequence[Link]


def table(
    head: Sequence[str], groups: Mapping[str, Sequence[Sequence[Cell]]], caption: str = ""
) -> str:
    """A table of rows in named groups; the first cell of a row is its heading."""
    # Not a <caption>: that is as wide as the table, and scrolls away with it.
    lines = [paragraph(caption)] if caption else []
    lines.append('<div class="scroll"><table>')
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines.append(f"<thead><tr>{cells}</tr></thead>")
    for group, rows in groups.items():
        lines.append("<tbody>")
        if group:
            span = f'<th class="group" scope="rowgroup" colspan="{len(head)}">{escape(group)}</th>'
            lines.append(f"<tr>{span}</tr>")
        for first, *rest in rows:
            cells = "".join(f"<td>{_cell(cell)}</td>" for cell in rest)
            lines.append(f'<tr><th scope="row">{_cell(first)}</th>{cells}</tr>')
        lines.append("</tbody>")
    return "\n".join([*lines, "</table></div>"])


def picture(png: bytes, description: str, size: str, *, words: str = "") -> str:
    """A picture above its description and further words, both plain text.

    `size` is "narrow", or "panel" for the pictures of `panels`.
    """
    data = base64.b64encode(png).decode()
    more = f'<p class="note">{escape(words)}</p>' if words else ""
    return (
        f'<figure class="{size}"><img alt="{escape(description)}" '
        f'src="data:image/png;base64,{data}">\n<figcaption>{escape(description)}</figcaption>'
        f"{more}</figure>"
    )


def panels(pictures: Iterable[str]) -> str:
    """Pictures side by side, as many as fit the width of the page."""
    return f'<div class="panels">\n{"".join(pictures)}\n</div>'


def gallery(items: Sequence[tuple[Sequence[bytes], str]]) -> str:
    """Strips of small PNG pictures, each with its caption, in as many columns as fit the page."""
    figures = [
        f'<figure><div class="strip">{"".join(map(_small, strip))}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for strip, caption in items
    ]
    return "\n".join(['<div class="gallery">', *figures, "</div>"])


def paragraph(text: str) -> str:
    """A note in plain text."""
    return f'<p class="note">{escape(text)}</p>'


def source(content: str) -> str:
    """The subject of the page, in HTML: the line below its title."""
    return f'<p class="source">{content}</p>'


def headline(text: str) -> str:
    """The main finding, in one sentence of plain text."""
    return f'<p class="headline">{escape(text)}</p>'


def method(text: str) -> str:
    """The section "How to read this", from plain text."""
    return section("How to read this", paragraph(text))


def _cell(cell: Cell) -> str:
    """Keeps an interval on one line; the value before it may go on the line above."""
    if not isinstance(cell, str):
        return ", ".join(map(str, cell))
    return UNBROKEN.sub(lambda match: match[0].replace(" ", "\u00a0"), escape(cell))


def _small(png: bytes) -> str:
    # No alternative text: the caption says what the picture shows.
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
