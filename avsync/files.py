"""Files that are there as a whole or not at all, also when a process is killed while it writes."""

import uuid
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Replaces what is at `path` by `content`, text as UTF-8.

    Killed on the way, it leaves what was there before, and a file that ends in ".part".
    """
    # A name of its own for each writer: several may write the same file, from machines that count
    # their processes alike.
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)


def require_new(folder: Path) -> None:
    """ValueError if there is anything at `folder` but an empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and not an empty folder; choose another or empty it")
