"""Names that came from outside: as people see them, as files record them, as disks store them.

A path, a clip id, a manifest value or a key of a model may hold anything: terminal control
sequences, marks that reverse the direction of text, line breaks, bytes that are not UTF-8,
thousands of characters. Whatever prints or draws a name calls `shown`; whatever prints sentences
that may hold names calls `shown_text`; whatever makes a file name calls `stored`.
"""

import hashlib
import os
import re
import unicodedata

# Two lines of a terminal, and more than any name that a person wrote.
MAX_SHOWN_CHARACTERS = 160

# Of the 255 bytes of a file name, 42 are for ".npz" and the ending of an unfinished file (a dot, 32
# digits and ".part"); rounded down.
MAX_STORED_BYTES = 200

# Python calls these printable, but they take no space on a line: fillers and variation selectors.
INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)

IDEOGRAPHIC_SPACE = "\u3000"  # in Japanese names; Python calls no space but " " printable

# Bytes of a path that the file system encoding cannot decode reach Python as these.
UNDECODED = re.compile("[\udc80-\udcff]+")

# The characters of stored names. A tilde begins the hash of a long name, and nothing else.
PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")

# Names that Windows reserves whatever suffix they have, also on a disk shared with Linux.
RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|$)", re.IGNORECASE)

HASH_BYTES = 16


def shown(name: str | os.PathLike[str], *, max_characters: int = MAX_SHOWN_CHARACTERS) -> str:
    """The name on one line of printable text, shortened in the middle if it is long.

    Characters that are not printable, among them line breaks, text direction marks and those
    without width, become escapes such as "\\x1b" and "\\u202e", and bytes that are not UTF-8 such
    as "\\xe9". Shown twice, a name stays the same.
    """
    pieces = list(map(_visible, portable(name)))
    if sum(map(len, pieces)) <= max_characters:
        return "".join(pieces)
    # Whole pieces, so that no escape is cut.
    half = (max_characters - len("...")) // 2
    return f"{''.join(_first(pieces, half))}...{''.join(_first(pieces[::-1], half)[::-1])}"


def shown_text(text: str) -> str:
    """A message that may hold names, as `shown`, with its line breaks and of any length."""
    return "\n".join("".join(map(_visible, line)) for line in portable(text).split("\n"))


def portable(path: str | os.PathLike[str]) -> str:
    """The path as UTF-8 text whatever the locale, for files that other processes read.

    Bytes that are not UTF-8 stay lone surrogates, which JSON writes as "\\udce9", and which
    `os.fsencode` turns back into the bytes.
    """
    return UNDECODED.sub(lambda run: _bytes(run[0]).decode("utf-8", "surrogateescape"), _str(path))


def on_disk(path: str | os.PathLike[str]) -> str:
    """What paths have in common that are the same file on the disks of macOS and Windows."""
    return unicodedata.normalize("NFC", _str(path)).casefold()


def text(path: str | os.PathLike[str]) -> str:
    """The path as valid Unicode text, for clip ids; bytes that are not UTF-8 as "%E9"."""
    return UNDECODED.sub(lambda run: _percent(_bytes(run[0])), portable(path))


def local(text: str) -> str:
    """The inverse of `portable`: the path that this process opens, whatever its locale."""
    return os.fsdecode(_bytes(text))


def stored(name: str, *, max_bytes: int = MAX_STORED_BYTES) -> str:
    """A file name for `name`: letters, digits and "_.-" of ASCII, other bytes as "%E9".

    Different names have different file names, on which any disk agrees but for upper and lower
    case. A name that would take more than `max_bytes` ends in a hash; none is empty, hidden, an
    option of a command, or reserved.
    """
    data = _bytes(name)
    is_odd = not data or data[:1] in b".-" or RESERVED.match(name)
    quoted = (_percent(data[:1]) + _quoted(data[1:])) if is_odd else _quoted(data)
    if quoted and len(quoted) <= max_bytes:
        return quoted
    digest = hashlib.blake2b(data, digest_size=HASH_BYTES).hexdigest()
    start = quoted[: max_bytes - len(digest) - 1]
    return f"{re.sub('%.?$', '', start)}~{digest}"


def stored_readable(name: str, *, max_bytes: int = MAX_STORED_BYTES) -> str:
    """A file name for `name` that people open: `name` itself if it is short and safe anywhere.

    It may hold letters of all scripts and single spaces; otherwise it is `stored(name)`.
    """
    is_safe = re.fullmatch(r"[\w(](?:[\w.()+,=@-]| (?! ))*", name) and not name.endswith((" ", "."))
    is_safe = is_safe and name.isprintable() and not re.search(f"[{INVISIBLE}]", name)
    if is_safe and not RESERVED.match(name) and len(_bytes(name)) <= max_bytes:
        return name
    return stored(name, max_bytes=max_bytes)


def _str(path: str | os.PathLike[str]) -> str:
    return path if isinstance(path, str) else os.fspath(path)


def _bytes(text: str) -> bytes:
    """UTF-8, with undecoded bytes as they were; surrogates that stand for no byte as if valid."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _visible(character: str) -> str:
    if character == IDEOGRAPHIC_SPACE:
        return character
    if character.isprintable() and not re.match(f"[{INVISIBLE}]", character):
        return character
    if UNDECODED.match(character):
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def _first(pieces: list[str], num_characters: int) -> list[str]:
    """As many pieces as fit."""
    total = 0
    for index, piece in enumerate(pieces):
        total += len(piece)
        if total > num_characters:
            return pieces[:index]
    return pieces


def _quoted(data: bytes) -> str:
    return "".join(chr(byte) if byte in PLAIN else f"%{byte:02X}" for byte in data)


def _percent(data: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in data)
