"""Many small pictures, in as many columns as the page is wide for."""

import base64
from collections.abc import Sequence
from html import escape


def gallery(items: Sequence[tuple[Sequence[bytes], str]]) -> str:
    """HTML of rows of PNG pictures, each row a strip with its caption, plain text."""
    figures = [
        f'<figure><div class="strip">{"".join(map(_small, strip))}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for strip, caption in items
    ]
    return "\n".join(['<div class="gallery">', *figures, "</div>"])


def _small(png: bytes) -> str:
    # Without words of its own: what it shows is said by the caption.
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
