"""Names that came from outside, as people see them."""


def shown(text: str) -> str:
    """The text with every character that is not printable replaced by its backslash escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown_text(text: str) -> str:
    """A message that may hold names, as `shown`, with its line breaks."""
    return "\n".join(map(shown, text.split("\n")))
