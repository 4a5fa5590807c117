"""A dataset as it lies on disk: where its root is, which videos are in it, and what is missing."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

VIDEO_SUFFIXES = (".mp4", ".mkv", ".mpg", ".mpeg", ".avi", ".mov", ".webm")

MAX_NAMES_TOLD = 8


def find_root(source: Path, *, holds: Sequence[str], expected: str) -> Path:
    """`source`, or the one folder in it, that holds a file or folder of one of these names.

    So a dataset is found whether its own folder is given or the one that it was unpacked in.
    ValueError says what was `expected`, and what is there.
    """
    if not source.is_dir():
        raise ValueError(f"no folder {source}: expected {expected}")
    if _holds_any(source, holds):
        return source
    roots = [folder for folder in _folders(source) if _holds_any(folder, holds)]
    if not roots:
        raise ValueError(f"{source}: expected {expected}; found {contents(source)}")
    if len(roots) > 1:
        raise ValueError(
            f"{source} holds several such datasets, {', '.join(root.name for root in roots)}: "
            f"give one of them; expected {expected}"
        )
    return roots[0]


def require_file(path: Path, *, expected: str) -> Path:
    """`path`, if there is such a file; ValueError says what it was to hold and what is there."""
    if not path.is_file():
        raise ValueError(
            f"no file {path}: expected {expected}; found in {path.parent}: {contents(path.parent)}"
        )
    return path


def find_videos(folder: Path, suffixes: Sequence[str] = VIDEO_SUFFIXES) -> Iterator[Path]:
    """The videos at any depth below `folder`, in the order of their paths."""
    for parent, folders, names in os.walk(folder):
        # Archives made by macOS bring a second tree of files that have the names of videos.
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(names):
            if not _is_hidden(name) and os.path.splitext(name)[1].lower() in suffixes:
                yield Path(parent, name)


def contents(folder: Path) -> str:
    """The names in a folder, as a text for an error; the first few if there are many."""
    if not folder.is_dir():
        return "no such folder"
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    told = ", ".join(names[:MAX_NAMES_TOLD])
    more = len(names) - MAX_NAMES_TOLD
    return (told + f" and {more} more" * (more > 0)) or "an empty folder"


def _folders(source: Path) -> list[Path]:
    return sorted(path for path in source.iterdir() if path.is_dir() and not _is_hidden(path.name))


def _holds_any(folder: Path, names: Sequence[str]) -> bool:
    return any((folder / name).exists() for name in names)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
