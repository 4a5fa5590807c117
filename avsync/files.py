"""Atomic writes, lock files, and the check that an output folder is new."""

import contextlib
import fcntl
import uuid
from collections.abc import Iterator
from pathlib import Path


def atomic_write(path: Path, content: str | bytes) -> None:
    """Replaces the file at `path` by `content`, text as UTF-8.

    A process that is killed while writing leaves the old file, and one that ends in ".part".
    """
    # A random name for each writer: several may write the same file, from machines on which they
    # have the same process id.
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Locks `path`, an empty file, for this process; ValueError if another process holds the lock.

    The lock is released when the process ends, in whatever way. The folder is created if needed;
    the file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{path.parent} is in use by another process, which holds {path.name}: wait for "
                "it, stop it, or choose another folder"
            ) from None
        yield


def require_new(folder: Path) -> None:
    """ValueError if `folder` exists and is not an empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"{folder} already exists and is not empty; choose another folder or empty it"
        )
