"""Atomic writes, lock files, and the check that an output folder is new."""

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


def atomic_write(path: Path, content: str | bytes) -> None:
    """Replaces the file at `path` by `content`, text as UTF-8. An OSError names `path`.

    A process that is killed while writing leaves the old file, and one that ends in ".part".
    """
    # A random name for each writer: several may write the same file, from machines on which they
    # have the same process id.
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with named_in_errors(path):
            unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
            unfinished.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def append_line(path: Path, line: str) -> None:
    """Adds a line to the file at `path`, all of it or, on an error, nothing."""
    content = f"{line}\n".encode()
    with named_in_errors(path), path.open("ab", buffering=0) as file:
        num_bytes_before = file.tell()
        try:
            while content:
                content = content[file.write(content) :]
        except BaseException:
            file.truncate(num_bytes_before)
            raise


def remove_unfinished(folder: Path) -> None:
    """Removes what killed writers left in `folder`; nobody else may be writing there."""
    for path in folder.glob(f"*.{'[0-9a-f]' * 32}.part"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Gives an OSError raised inside the path: "no space left on device" alone helps nobody."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Locks the file at `path` for this process; ValueError if another process holds the lock.

    The lock is released when the process ends, in whatever way. The folder is created if needed;
    the file stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
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
