"""The folder of a scoring job, which may be killed, run again, and shared by several processes.

scores.jsonl      the record of each file, appended when the file is done
frames.jsonl      its frame scores, if they were asked for; written before the record
settings.json     what scores depend on besides the file; other settings are refused
parts/            the lines of a process among several, until the first one merges them
scores.lock       held by the job that writes the folder

A file is done when it has a record, and is scored again if its size or time has changed since. This
module needs no JAX.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from avsync import names
from avsync.files import Stamp, atomic_write, file_lock, remove_unfinished, stamp
from avsync.json_file import read_object
from avsync.json_lines import LineFile, Record
from avsync.types import Host

LINES, FRAMES, SETTINGS = "scores.jsonl", "frames.jsonl", "settings.json"
PARTS, LOCK = "parts", "scores.lock"

ALONE = Host()

# The status of a file with a score, as in `avsync.scoring`, which imports JAX.
OK = "ok"

KEPT = ("status", "verdict", "bytes", "modified", "picture", "page")

MAX_SETTINGS_BYTES = 1 << 20


class Pending(NamedTuple):
    """The files that this process is to score, and the number of those that are done."""

    paths: list[Path]
    num_done: int


@contextlib.contextmanager
def open_folder(
    out_dir: Path,
    *,
    host: Host = ALONE,
    wait_for_all: Callable[[], None] = lambda: None,
    with_frames: bool = False,
) -> Iterator["ResultFolder"]:
    """The folder of a job, for process `host` of those that share it; created if needed.

    ValueError if another job holds it, or a line of it is damaged.
    """
    is_first = host.index == 0
    with file_lock(out_dir / LOCK) if is_first else contextlib.nullcontext():
        if is_first:
            remove_unfinished(out_dir)
            _merge(out_dir)
        wait_for_all()
        folder = ResultFolder(out_dir, host=host, with_frames=with_frames)
        wait_for_all()  # nobody writes before all have read
        yield folder


class ResultFolder:
    """The results of a job; made by `open_folder`.

    Attributes:
      path: of the folder.
    """

    def __init__(self, out_dir: Path, *, host: Host, with_frames: bool):
        self.path, self._host = out_dir, host
        self._merged = LineFile(out_dir / LINES, key="path", kept=KEPT)
        self._own = self._own_lines(LINES)
        self._own_frames = self._own_lines(FRAMES) if with_frames else None

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """ValueError if the folder has results that were made with other settings."""
        path = self.path / SETTINGS
        if len(self._merged):
            before = read_object(path, max_bytes=MAX_SETTINGS_BYTES) if path.exists() else None
            if before is None:
                raise ValueError(
                    f"{self.path} has results of another version of avsync, without "
                    f"{SETTINGS}: choose another folder, or remove it to start over"
                )
            differ = [n for n in {**before, **settings} if before.get(n) != settings.get(n)]
            if differ:
                was = ", ".join(f"{name}={before.get(name)}" for name in differ)
                now = ", ".join(f"{name}={settings.get(name)}" for name in differ)
                raise ValueError(
                    f"the results in {self.path} were made with {was}, not {now}, and must not "
                    "be mixed: use the same, choose another folder, or remove it to start over"
                )
        elif self._host.index == 0:
            atomic_write(path, json.dumps(settings, indent=2) + "\n")

    def pending(
        self,
        paths: Sequence[Path],
        *,
        retry_failed: bool,
        is_unfinished: Callable[[Record], bool] = lambda record: False,
    ) -> Pending:
        """Those of `paths` that this process is to score, in order.

        Files without a score are scored again with `retry_failed`, and those of whose record, of
        which the fields `KEPT` are known, `is_unfinished` is true.
        """
        mine = [path for path in paths if self._is_mine(path)]
        left = []
        for path in mine:
            known = self._merged.known(names.portable(path))
            is_again = known and (is_unfinished(known) or (retry_failed and known["status"] != OK))
            if not known or is_again or _has_changed(path, known):
                left.append(path)
        return Pending(left, len(mine) - len(left))

    def pictures(self) -> dict[str, str]:
        """The names of the pictures of files that are done, by path as in the records."""
        known = ((path, self._merged.known(path) or {}) for path in self._merged)
        return {path: fields["picture"] for path, fields in known if fields.get("picture")}

    def add(self, record: Record, frames: Record | None) -> None:
        """Adds the record of a file, and its frame scores if they are kept."""
        if self._own_frames is not None and frames is not None:
            self._own_frames.append(frames)
        self._own.append(record)

    def close(self, *, wait_for_all: Callable[[], None] = lambda: None) -> None:
        """Merges what all processes have added, and drops lines that are outdated."""
        wait_for_all()
        is_changed = self._host.count > 1 or self._merged.num_outdated
        if self._host.index == 0 and is_changed:
            self._merged = _merge(self.path)

    def records(self, paths: Sequence[Path]) -> Iterator[Record]:
        """The records of these files, in this order; those that are not done are left out."""
        return self._merged.records(map(names.portable, paths))

    def _own_lines(self, name: str) -> LineFile:
        """The file that this process appends to."""
        if self._host.count == 1:
            # The same object: what is appended is read by its key.
            return self._merged if name == LINES else LineFile(self.path / name, key="path")
        parts = self.path / PARTS
        parts.mkdir(exist_ok=True)
        return LineFile(parts / f"{self._host.index}-{name}", key="path")

    def _is_mine(self, path: Path) -> bool:
        # By the name, not by the place in the list: a file may be added while processes list them.
        data = names.portable(path).encode("utf-8", "surrogateescape")
        return crc32(data) % self._host.count == self._host.index


def _has_changed(path: Path, known: Record) -> bool:
    return Stamp(known["bytes"], known["modified"]) != stamp(path)


def _merge(out_dir: Path) -> LineFile:
    """The lines of the folder, with those of all processes, each path once.

    Killed on the way, it leaves lines twice, of which the next one drops the first.
    """
    lines = LineFile(out_dir / LINES, key="path", kept=KEPT)
    for part in sorted((out_dir / PARTS).glob(f"*-{LINES}")):
        lines.absorb(part)
    lines.compact()
    parts = sorted((out_dir / PARTS).glob(f"*-{FRAMES}"))
    if parts or (out_dir / FRAMES).exists():
        frames = LineFile(out_dir / FRAMES, key="path")
        for part in parts:
            frames.absorb(part)
        # A process that is killed after it wrote the frames of a file leaves no record of it.
        known = ((path, lines.known(path) or {}) for path in lines)
        frames.compact(only={path for path, fields in known if fields["status"] == OK})
    with contextlib.suppress(OSError):  # not there, or somebody put something into it
        (out_dir / PARTS).rmdir()
    return lines
