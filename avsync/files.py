"""Files that are whole or not there, whenever a process is killed, and files that one may hold."""

import contextlib
import fcntl
import uuid
from collections.abc import Iterator
from pathlib import Path


def atomic_write(path: Path, content: str | bytes) -> None:
    """Replaces what is at `path` by `content`, text as UTF-8.

    Killed on the way, it leaves what was there before, and a file that ends in ".part".
    """
    # A name of its own for each writer: several may write the same file, from machines that count
    # their processes alike.
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Keeps `path`, an empty file, for this process; ValueError if another process has it.

    A process that dies lets go, however it dies. The folder is made; the file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{path.parent} is in use by another process, which holds {path.name}: wait for "
                "its end, end it, or choose another folder"
            ) from None
        yield


def require_new(folder: Path) -> None:
    """ValueError if there is anything at `folder` but an empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and not an empty folder; choose another or empty it")
