"""Atomic writes, lock files, the stamp and the hash of a file, the check that a folder is new."""

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

PRIVATE = 0o700  # the mode of a folder that only its owner may use

# A file may be this new before its writer has locked it; a program takes longer to start.
MIN_LEFT_SECONDS = 1.0

HASHED_BYTES = 8 << 20  # at once

ROOT = 0  # the user who owns the folders of the system


def atomic_write(path: Path, content: str | bytes) -> None:
    """Replaces the file at `path` by `content`, text as UTF-8. An OSError names `path`."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write to, which replaces the file at `path` at the end; gone after an error.

    An OSError names `path`. A process that is killed while writing leaves the old file, and the new
    one under a name that ends in ".part", see `remove_unfinished`.
    """
    with named_in_errors(path), contextlib.ExitStack() as stack:
        unfinished = unfinished_path(path)
        unfinished.touch(exist_ok=False)
        try:
            stack.enter_context(in_use(unfinished))
            yield unfinished
            unfinished.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise


def unfinished_path(path: Path) -> Path:
    """A name beside `path` for what will be renamed to it once it is whole."""
    # A random name for each writer: several may write the same file, from machines on which they
    # have the same process id.
    return path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")


@contextlib.contextmanager
def in_use(unfinished: Path) -> Iterator[None]:
    """Tells `remove_unfinished` that this process is writing the file or folder."""
    with _descriptor(unfinished) as descriptor:
        with contextlib.suppress(OSError):  # some shared file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    """The open file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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


def remove_unfinished(folder: Path, *, of: str = "") -> None:
    """Removes what killed writers left in `folder`: files and folders `of` a name, or of all.

    What another process is writing stays.
    """
    name = glob.escape(of) or "*"
    for path in folder.glob(f"{name}.{'[0-9a-f]' * 32}.part"):
        # What cannot be opened was renamed meanwhile, what cannot be locked is in use.
        with contextlib.suppress(OSError), _descriptor(path) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - path.stat().st_mtime < MIN_LEFT_SECONDS:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()


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


def make_private(folder: Path) -> str:
    """Creates `folder` for this user alone; says why others can write there, "" if they cannot.

    Whoever can write to a folder of programs, or replace it or a folder above it, runs code as this
    user. OSError if it cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    # As links resolve: a folder above that others own could be replaced.
    for place in (resolved := folder.resolve(), *resolved.parents):
        found = place.stat()
        if found.st_uid not in (os.geteuid(), ROOT):
            return f"is not safe: {place} belongs to another user"
        # A group of the same number as its user is that user's alone, by a convention of Linux. In
        # a sticky folder, such as /tmp, others cannot replace what is not theirs.
        shared = stat.S_IWOTH if found.st_gid == found.st_uid else stat.S_IWOTH | stat.S_IWGRP
        is_open = found.st_mode & shared
        if is_open and (place == resolved or not found.st_mode & stat.S_ISVTX):
            return f"is not safe: others can write to {place} (chmod go-w removes that)"
    if resolved.stat().st_uid != os.geteuid():
        return "is not safe: it belongs to another user"
    return ""


def require_new(folder: Path) -> None:
    """ValueError if `folder` exists and is not an empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"{folder} already exists and is not empty; choose another folder or empty it"
        )


class Stamp(NamedTuple):
    """What tells a file from another one at the same path; None where there is no file.

    modified: in seconds since the epoch.
    """

    bytes: int | None
    modified: float | None


def stamp(path: Path) -> Stamp:
    """The stamp of the file at `path` now."""
    try:
        found = path.stat()
    except OSError:
        return Stamp(None, None)
    return Stamp(found.st_size, found.st_mtime)


class Content(NamedTuple):
    """Which content of a file was read: its `sha256`, None if unknown, and the stamp before that.

    A file that is written to meanwhile has another stamp afterwards.
    """

    sha256: str | None
    stamp: Stamp


def sha256(path: Path, *, advance: Callable[[], None] = lambda: None) -> str | None:
    """The SHA-256 of a file's content, in hexadecimal digits; None if it cannot be read.

    `advance` is called after each `HASHED_BYTES`.
    """
    digest = hashlib.sha256()
    try:
        # Opening a pipe would wait for its writer.
        if not path.is_file():
            return None
        with path.open("rb", buffering=0) as file:
            while block := file.read(HASHED_BYTES):
                digest.update(block)
                advance()
    except OSError:
        return None
    return digest.hexdigest()
