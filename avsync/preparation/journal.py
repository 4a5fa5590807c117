"""What became of each file: a line, written when its clip is whole or will never be.

Each process that settles files writes a journal of its own, so that many machines can do so on one
shared filesystem. All journals of a folder are read as one; a line that a kill cut short is none.
"""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from avsync.files import atomic_write
from avsync.media.rejects import Reject
from avsync.types import MediaFile

SUFFIX = ".jsonl"


class Entry(NamedTuple):
    """What became of a file: a clip of `num_frames` if `reason` is "", else a reject.

    `finished` is when, in seconds since the epoch, by the clock of who wrote it.
    """

    clip_id: str
    path: str
    reason: str = ""
    detail: str = ""
    num_frames: int = 0
    finished: float = 0.0

    @property
    def reject(self) -> dict[str, str]:
        """The line of rejects.jsonl."""
        return {name: getattr(self, name) for name in ("clip_id", "path", "reason", "detail")}


class Journal:
    """A new journal in `folder`, which is made if it is not there."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
        self._file = self._path.open("x")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the journal; one without a line goes."""
        self._file.close()
        if not self._path.stat().st_size:
            self._path.unlink()

    def write(self, media: MediaFile, reject: Reject | None, *, num_frames: int = 0) -> Entry:
        """That the file became a clip of `num_frames`, which is stored, or why it never will."""
        reason, detail = (reject.reason, reject.detail) if reject else ("", "")
        path = str(media.path)
        entry = Entry(media.clip_id, path, reason, detail, num_frames, finished=time.time())
        self._file.write(json.dumps(entry._asdict()) + "\n")
        self._file.flush()
        return entry


def read(folder: Path) -> dict[str, Entry]:
    """By clip id what was last written of each file, the oldest first; {} without a folder."""
    entries = [entry for path in folder.glob(f"*{SUFFIX}") for entry in _lines(path)]
    entries.sort(key=lambda entry: entry.finished)
    # Out, and in again at the end: the order is that of the last words.
    latest: dict[str, Entry] = {}
    for entry in entries:
        latest.pop(entry.clip_id, None)
        latest[entry.clip_id] = entry
    return latest


def forget_rejects(folder: Path) -> None:
    """Takes the rejects out of all journals; none of them may be open for writing."""
    for path in folder.glob(f"*{SUFFIX}"):
        kept = [entry for entry in _lines(path) if not entry.reason]
        atomic_write(path, "".join(json.dumps(entry._asdict()) + "\n" for entry in kept))


def _lines(path: Path) -> Iterator[Entry]:
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                yield Entry(**json.loads(line))
