"""Pages: one file to open anywhere, its style and pictures inside, no scripts."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("report.css")

# Numbers that a narrow table does not tear apart: an interval, and counts of reals and fakes.
TOGETHER = re.compile(r"\[[^\]]*\]|\d+ / \d+")

SECTION = re.compile('<section id="(.*?)">\n<h2>(.*?)</h2>')


def document(title: str, body: str) -> str:
    """The whole page. `title` is text, `body` is HTML; so it is in all of this module."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE.read_text()}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
</body>
</html>
"""


def section(heading: str, content: str) -> str:
    """HTML under a heading that `contents` can lead to."""
    name = re.sub(r"\W+", "-", heading.lower()).strip("-")
    return f'<section id="{name}">\n<h2>{escape(heading)}</h2>\n{content}\n</section>'


def contents(sections: str) -> str:
    """Links to the sections of this HTML."""
    links = "\n".join(f'<a href="#{name}">{text}</a>' for name, text in SECTION.findall(sections))
    return f'<nav aria-label="Contents">\n{links}\n</nav>'


def folded(summary: str, content: str) -> str:
    """HTML that a reader opens by its summary, plain text; on paper it is open."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{content}\n</details>"


def subsection(heading: str, content: str) -> str:
    """HTML under a heading within a section."""
    return f"<h3>{escape(heading)}</h3>\n{content}"


def table(
    head: Sequence[str], groups: Mapping[str, Sequence[Sequence[str]]], caption: str = ""
) -> str:
    """Rows in named groups; the first cell of a row is its heading."""
    # Not a caption of the table: it would be as wide as that, and scroll away with it.
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
            lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
        lines.append("</tbody>")
    return "\n".join([*lines, "</table></div>"])


def picture(png: bytes, description: str, size: str, *, words: str = "") -> str:
    """A picture over its description and what more there is to say of it, plain text each.

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
    """Pictures beside one another, as many as the page is wide for."""
    return f'<div class="panels">\n{"".join(pictures)}\n</div>'


def paragraph(text: str) -> str:
    """A note in plain text."""
    return f'<p class="note">{escape(text)}</p>'


def _cell(text: str) -> str:
    """What belongs together stays on a line; what stands before it may go above it."""
    return TOGETHER.sub(lambda found: found[0].replace(" ", "\u00a0"), escape(text))
