"""Directory layout of raw datasets: finds the root, and reports what is missing."""

from collections.abc import Sequence
from pathlib import Path

from avsync.names import shown

MAX_NAMES_SHOWN = 8


def find_root(source: Path, *, holds: Sequence[str], expected: str) -> Path:
    """Finds the directory with an entry in `holds`: `source` itself, or one directly below it.

    Accepts both the dataset's own directory and the one it was unpacked into. Raises ValueError
    with `expected` and what was found instead.
    """
    if not source.is_dir():
        raise ValueError(f"directory not found: {source}; expected {expected}")
    if _holds_any(source, holds):
        return source
    roots = [folder for folder in _folders(source) if _holds_any(folder, holds)]
    if not roots:
        raise ValueError(f"{source}: expected {expected}; found {folder_contents(source)}")
    if len(roots) > 1:
        raise ValueError(
            f"{source} holds several datasets: {', '.join(root.name for root in roots)}; give one "
            f"of them as --source; expected {expected}"
        )
    return roots[0]


def require_file(path: Path, *, expected: str) -> Path:
    """`path` if the file exists; else ValueError with `expected` and the files beside it."""
    if not path.is_file():
        raise ValueError(
            f"file not found: {path}; expected {expected}; found in {path.parent}: "
            f"{folder_contents(path.parent)}"
        )
    return path


def folder_contents(folder: Path) -> str:
    """The first few names in a folder, for an error message."""
    if not folder.is_dir():
        return "no such directory"
    names = sorted(shown(path.name) + "/" * path.is_dir() for path in folder.iterdir())
    first = ", ".join(names[:MAX_NAMES_SHOWN])
    more = len(names) - MAX_NAMES_SHOWN
    return (first + f" and {more} more" * (more > 0)) or "nothing"


def _folders(source: Path) -> list[Path]:
    return sorted(path for path in source.iterdir() if path.is_dir() and not _is_hidden(path.name))


def _holds_any(folder: Path, names: Sequence[str]) -> bool:
    return any((folder / name).exists() for name in names)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
