"""What became of each file of a job, and the file that lists it, by which a job goes on."""

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

from avsync import __version__, names
from avsync.files import append_line, named_in_errors, sha256

LINES = "fixes.jsonl"

Status = Literal[
    "fixed",
    "in_sync",
    "would_fix",
    "not_scored",
    "uncertain",
    "changing",
    "not_copied",
    "still_out_of_sync",
    "exists",
    "failed",
]

# Decimal places in fixes.jsonl: times to the microsecond; a stretch to 9 microseconds over a day.
DIGITS = {
    "offset_before": 6,
    "offset_after": 6,
    "drift_before": 3,
    "drift_after": 3,
    "moved_seconds": 6,
    "stretch": 10,
}

# The sound of these fits, or would.
GOOD = ("fixed", "in_sync", "would_fix")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fix:
    """What became of a file.

    Attributes:
      path: the file.
      status: "fixed": `out` is a copy whose sound fits; "in_sync": it fits in the file;
        "would_fix": a dry run found that it can be moved. Otherwise there is no copy: "not_scored":
        the file has no score; "uncertain": no offset is certain; "changing": it changes, and
        not by a steady drift; "not_copied": the streams cannot be copied as they are;
        "still_out_of_sync": the sound does not fit in the copy either; "exists": something else is
        at `out`; "failed": an unexpected error.
      message: the status in words.
      out: the copy; None if there is none.
      offset_before, offset_after: A/V offset of the file and of the copy, in seconds; + means the
        sound is late. That at the first picture where it drifts. None if unknown.
      drift_before, drift_after: the measured growth of these, in milliseconds a minute; None if
        unknown. In a one-minute file its error is about 20.
      moved_seconds: how much later the sound is in the copy, against the first picture.
      stretch: by which share of its time each picture is shown later; 0 unless the sound drifted.
      audio_tracks: the numbers of the sound tracks that were moved, from 1.
      lost: streams, tags and chapters that the copy lacks, in words.
      sha256, out_sha256: of the file and of the copy, if there is one.
    """

    path: Path
    status: Status
    message: str
    out: Path | None = None
    offset_before: float | None = None
    offset_after: float | None = None
    drift_before: float | None = None
    drift_after: float | None = None
    moved_seconds: float | None = None
    stretch: float | None = None
    audio_tracks: tuple[int, ...] = ()
    lost: tuple[str, ...] = ()
    sha256: str | None = None
    out_sha256: str | None = None

    @property
    def is_good(self) -> bool:
        """True if the sound fits in the file or in its copy, or would."""
        return self.status in GOOD

    def to_json(self) -> dict[str, Any]:
        """The line of the file in fixes.jsonl."""
        return {
            "path": names.portable(self.path),
            "out": None if self.out is None else names.portable(self.out),
            **{k: v for k, v in dataclasses.asdict(self).items() if k not in ("path", "out")},
            **{
                name: None if (value := getattr(self, name)) is None else round(value, digits)
                for name, digits in DIGITS.items()
            },
            "version": __version__,
        }


class Journal:
    """fixes.jsonl in a folder: a line for each file, as soon as it is done; jobs add to it."""

    def __init__(self, folder: Path):
        self.path = folder / LINES
        self._copies = {
            (line["sha256"], line["out_sha256"]): line
            for line in _lines(self.path)
            if line.get("status") == "fixed"
        }

    def add(self, fix: Fix) -> None:
        append_line(self.path, json.dumps(fix.to_json(), allow_nan=False))

    def finished(self, path: Path, out: Path) -> Fix | None:
        """What an earlier job said of the copy at `out`; None unless it made this copy of `path`.

        Both must be what they were, byte by byte.
        """
        if not self._copies:
            return None
        key = (sha256(path), sha256(out))
        if (line := self._copies.get(key)) is None:
            return None
        return Fix(
            path=path,
            status="fixed",
            message="an earlier job made this copy",
            out=out,
            offset_before=line["offset_before"],
            offset_after=line["offset_after"],
            drift_before=line.get("drift_before"),  # earlier versions measured none
            drift_after=line.get("drift_after"),
            moved_seconds=line["moved_seconds"],
            stretch=line.get("stretch", 0.0),
            audio_tracks=tuple(line["audio_tracks"]),
            lost=tuple(line["lost"]),
            sha256=key[0],
            out_sha256=key[1],
        )


def _lines(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of JSON lines; a line that a killed job left unfinished is skipped."""
    if not path.exists():
        return []
    found = []
    with named_in_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found
