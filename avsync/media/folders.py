"""Media files in folders: which files of a folder are taken, and what is said about the others."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

# Containers of video with sound that FFmpeg reads, for all commands that take a folder.
SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".flv"),
    *(".mkv", ".webm", ".avi", ".divx", ".wmv", ".asf", ".ogv", ".ogm"),
    *(".ts", ".m2ts", ".mts", ".m2t", ".mpg", ".mpeg", ".mpe", ".vob", ".mxf"),
    *(".nut", ".dv", ".rm", ".rmvb"),
)

# Why an entry of a folder is not taken. Archives made on macOS contain a second tree of metadata
# files with the names of videos: "._x.mp4" beside "x.mp4", or in a folder of this name.
HIDDEN, HIDDEN_FOLDER, MACOS_FOLDER = "hidden", "hidden folders", "__MACOSX"
NO_MEDIA, NO_FILE = "no media suffix", "not a file"
LINKED_FOLDER, UNREADABLE_FOLDER = "links to folders", "unreadable folders"


class Found(NamedTuple):
    """The media files of a folder, sorted by path, and the number of other entries by reason.

    A folder that is not entered counts as one entry.
    """

    files: list[Path]
    skipped: dict[str, int]

    def note(self, folder: Path) -> str:
        """A sentence about the entries of `folder` that were skipped; "" if there are none."""
        if not self.skipped:
            return ""
        total = sum(self.skipped.values())
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in self.skipped.items())
        return f"{folder}: {total:,} {'entry' if total == 1 else 'entries'} skipped: {reasons}"


def list_media(folder: Path, suffixes: Sequence[str] = SUFFIXES) -> Found:
    """Returns the files below `folder`, at any depth, whose suffix in lower case is given.

    Hidden files and folders are skipped, and so are folders that are links.
    """
    skipped: Counter[str] = Counter()
    files = list(_walk(folder, tuple(suffixes), skipped))
    # The most frequent first, then by name, not by the order in which the disk lists them.
    return Found(files, dict(sorted(skipped.items(), key=lambda item: (-item[1], item[0]))))


def named_files(places: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Returns the files named, whatever they are, those of the folders named, and notes on these.

    Raises ValueError if nothing is named or nothing of it exists, and if it is folders without
    media files.
    """
    paths = list(map(_expanded, places))
    if not any(path.exists() for path in paths):
        raise ValueError(f"not found: {', '.join(places)}" if places else "no VIDEO given")
    found = {path: list_media(path) for path in paths if path.is_dir()}
    files = [file for path in paths for file in (found[path].files if path in found else [path])]
    notes = [note for path, inside in found.items() if (note := inside.note(path))]
    if not files:
        contents = "; ".join(notes) or f"{', '.join(map(str, found))}: nothing is there"
        raise ValueError(f"no media files ({' '.join(SUFFIXES)}); {contents}")
    return files, notes


def without_media_suffix(name: str) -> str:
    """The name without its suffix, if that is one of `SUFFIXES` in lower or upper case."""
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in SUFFIXES else name


def _expanded(place: str) -> Path:
    path = Path(place)
    if path.exists():  # a file in this folder may be called "~x.mp4"
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # no such user
        return path


def _walk(folder: Path, suffixes: tuple[str, ...], skipped: Counter[str]) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        parent = waiting.pop()
        try:
            with os.scandir(parent) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            skipped[UNREADABLE_FOLDER] += 1
            continue
        inner = []
        for entry in entries:
            if reason := _reason(entry, suffixes):
                skipped[reason] += 1
            elif entry.is_dir(follow_symlinks=False):
                inner.append(parent / entry.name)
            else:
                yield parent / entry.name
        waiting += reversed(inner)


def _reason(entry: os.DirEntry[str], suffixes: tuple[str, ...]) -> str:
    """Why the entry is skipped; "" for a media file and for a folder to look into."""
    is_folder = entry.is_dir(follow_symlinks=False)
    if entry.name.startswith(".") or (is_folder and entry.name == MACOS_FOLDER):
        return HIDDEN_FOLDER if is_folder else HIDDEN
    if is_folder:
        return ""
    if _leads_to(entry, os.DirEntry.is_dir):
        return LINKED_FOLDER
    if os.path.splitext(entry.name)[1].lower() not in suffixes:
        return NO_MEDIA
    # A pipe would wait for its writer, a broken link leads nowhere.
    return "" if _leads_to(entry, os.DirEntry.is_file) else NO_FILE


def _leads_to(entry: os.DirEntry[str], kind: Callable[[os.DirEntry[str]], bool]) -> bool:
    try:
        return kind(entry)
    except OSError:  # a link that leads to itself
        return False
