"""One line per file that is done, written once its clip is stored or the file is rejected.

Each process writes its own journal, so that many machines can share a filesystem. All journals of a
folder are read as one; a line cut short by a kill is ignored.
"""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from avsync import names
from avsync.files import atomic_write
from avsync.media.rejects import Reject
from avsync.types import MediaFile

SUFFIX = ".jsonl"


class Entry(NamedTuple):
    """The outcome for a file: a clip of `num_frames` if `reason` is "", else a reject.

    `path` is `names.portable` of the path; `finished` is the time in seconds since the epoch, by
    the clock of the writer.
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
    """A new journal in `folder`, which is created if necessary."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
        self._file = self._path.open("x", encoding="utf-8")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the journal, and removes it if it is empty."""
        self._file.close()
        if not self._path.stat().st_size:
            self._path.unlink()

    def write(self, media: MediaFile, reject: Reject | None, *, num_frames: int = 0) -> Entry:
        """Records that the file became a clip of `num_frames`, now stored, or was rejected."""
        reason, detail = (reject.reason, reject.detail) if reject else ("", "")
        path = names.portable(media.path)
        entry = Entry(media.clip_id, path, reason, detail, num_frames, finished=time.time())
        self._file.write(json.dumps(entry._asdict()) + "\n")
        self._file.flush()
        return entry


def read(folder: Path) -> dict[str, Entry]:
    """Returns the latest entry of each file by clip id, oldest first; {} without a folder."""
    entries = [entry for path in folder.glob(f"*{SUFFIX}") for entry in _lines(path)]
    entries.sort(key=lambda entry: entry.finished)
    # Removed and inserted again, so that the order is that of the latest entries.
    latest: dict[str, Entry] = {}
    for entry in entries:
        latest.pop(entry.clip_id, None)
        latest[entry.clip_id] = entry
    return latest


def forget_rejects(folder: Path) -> None:
    """Removes the rejects from all journals, none of which may be open for writing."""
    for path in folder.glob(f"*{SUFFIX}"):
        clips = [entry for entry in _lines(path) if not entry.reason]
        atomic_write(path, "".join(json.dumps(entry._asdict()) + "\n" for entry in clips))


def _lines(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield Entry(**json.loads(line))
