"""The job that makes clips of all raw files of a dataset, in parallel, and resumes.

A directory holds its state; no two processes ever write the same file:

settings.json     how clips are made; clips made with other settings are refused
plan.json         the number of files to prepare
clips/            one per file that became a clip
journals/         one line per file that is done (`avsync.preparation.journal`)

A file is done as soon as it has its clip, or a line that says why it has none.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync import lookup, names
from avsync.files import atomic_write, remove_unfinished
from avsync.preparation import journal
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.store import ClipStore, stored_ids
from avsync.preparation.worker import DEFAULT_LIMITS, Limits, Task
from avsync.types import MediaFile
from avsync.units import FRAMES_PER_SECOND

# Incremented whenever clips come out differently than before.
VERSION = 5

REJECTS, REPORT = "rejects.jsonl", "prepare_report.json"

SETTINGS, PLAN, CLIPS, JOURNALS = "settings.json", "plan.json", "clips", "journals"

# Settings that reports of version 0.1 do not name, with the values that they all had.
FIRST_SETTINGS = {"storage": "png", "file_format": "tfrecord"}

# One line of rejects.jsonl: clip_id, path, reason, detail.
RejectLine = dict[str, str]

# `engine(pending, task, journals=folder)` prepares and journals all pending files, and yields
# outcomes as they come (Beam yields none).
Engine = Callable[..., Iterable[Entry]]


class PreparedMedia(NamedTuple):
    """The clips and rejects of a job; together they are all of its files."""

    clips: ClipStore
    rejects: list[RejectLine]
    report: dict[str, Any]


def prepare_media(
    media: Sequence[MediaFile],
    directory: Path,
    *,
    detector: str,
    engine: Engine,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], None] = lambda num_clips, num_rejected: None,
) -> PreparedMedia:
    """Prepares the files in `media` that are not done; resumes the job in `directory`, if any.

    `engine` is `prepare_in_processes`, `prepare_on_dask` or `prepare_on_beam` with its own
    arguments bound; each can finish what another started. `progress` is called with the numbers of
    clips and rejects so far. Raises ValueError if two files share an id, if the detector is
    unknown, if the directory holds clips made with other settings, or if no file becomes a clip.
    """
    files = {file.clip_id: file for file in media}
    if len(files) != len(media):
        twice = Counter(file.clip_id for file in media).most_common(1)[0][0]
        raise ValueError(f"two raw files have the id {twice!r}; ids must be unique in a dataset")
    lookup.load("media.landmarks", detector)  # checked before it is written to the settings
    _check_settings(directory, {"version": VERSION, "detector": detector})
    atomic_write(directory / PLAN, json.dumps({"num_files": len(files)}))
    task = Task(directory / CLIPS, detector, limits)
    task.clips.mkdir(exist_ok=True)
    for folder in (directory, task.clips):
        remove_unfinished(folder)
    clips, rejects = ClipStore(task.clips, files), _rejects(directory, files)
    _journal_all(clips, files, directory)
    pending = [file for file in media if file.clip_id not in rejects and file.clip_id not in clips]
    num_clips, num_rejected = len(clips), len(rejects)
    progress(num_clips, num_rejected)
    for entry in engine(pending, task, journals=directory / JOURNALS) if pending else ():
        num_clips, num_rejected = num_clips + (not entry.reason), num_rejected + bool(entry.reason)
        progress(num_clips, num_rejected)
    prepared = _collect(files, directory, detector=detector)
    if (len(prepared.clips), len(prepared.rejects)) != (num_clips, num_rejected):
        progress(len(prepared.clips), len(prepared.rejects))
    return prepared


def forget_rejects(directory: Path) -> None:
    """Drops all rejects, so that their files are tried again."""
    journal.forget_rejects(directory / JOURNALS)


def changed_ids(media: Sequence[MediaFile], directory: Path) -> dict[str, str]:
    """Returns the new id by the old one, of the files that are done under another id than theirs.

    A dataset may give a file another id because files were added to its source or removed. Such a
    file is prepared again, so that a resumed job ends as a new one would.
    """
    by_path = {names.portable(file.path): file.clip_id for file in media}
    known = set(by_path.values())
    entries = journal.read(directory / JOURNALS)
    return {
        old: by_path[entry.path]
        for old, entry in entries.items()
        if old not in known and entry.path in by_path
    }


def write_reports(rejects: list[RejectLine], report: dict[str, Any], directory: Path) -> None:
    """Writes rejects.jsonl, then prepare_report.json: if that exists, both are complete."""
    _write_rejects(rejects, directory)
    atomic_write(directory / REPORT, json.dumps(report, indent=2) + "\n")


def read_report(directory: Path, *, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the report of a finished preparation, or None; ValueError if `settings` differ."""
    path = directory / REPORT
    if not path.is_file():
        return None
    report = json.loads(path.read_text(encoding="utf-8"))
    before = FIRST_SETTINGS | report
    for name, value in settings.items():
        if before[name] != value:
            raise ValueError(
                f"{directory} was prepared with {name}={before[name]}, not {value}: remove it, or "
                "prepare into another folder"
            )
    return report


def _collect(files: Mapping[str, MediaFile], directory: Path, *, detector: str) -> PreparedMedia:
    clips = ClipStore(directory / CLIPS, files)
    rejects = [entry.reject for entry in _rejects(directory, files).values()]
    _write_rejects(rejects, directory)
    by_reason = dict(Counter(line["reason"] for line in rejects).most_common())
    num_open = len(files) - len(clips) - len(rejects)
    if num_open:
        raise ValueError(
            f"{num_open} of {len(files)} raw files are not done although the job has ended; run it "
            "again to resume"
        )
    if not clips:
        raise ValueError(
            f"no clip could be prepared from {len(files)} raw files: {by_reason}; see "
            f"{directory / REJECTS}"
        )
    return PreparedMedia(clips, rejects, _report(clips, by_reason) | {"detector": detector})


def _rejects(directory: Path, files: Mapping[str, MediaFile]) -> dict[str, Entry]:
    """The entries of rejected files, in the order of the files.

    A reject counts for its path only: a file at another path is tried again.
    """
    entries = journal.read(directory / JOURNALS)
    stored = stored_ids(files, directory / CLIPS)
    ended = ((entries.get(clip_id), file) for clip_id, file in files.items())
    return {
        file.clip_id: entry
        for entry, file in ended
        if entry
        and entry.reason
        and entry.path == names.portable(file.path)
        and file.clip_id not in stored
    }


def _journal_all(clips: ClipStore, files: Mapping[str, MediaFile], directory: Path) -> None:
    """Adds the journal lines of clips whose workers were killed before writing them."""
    entries = journal.read(directory / JOURNALS)
    missing = [clip_id for clip_id in clips if clip_id not in entries or entries[clip_id].reason]
    if missing:
        with Journal(directory / JOURNALS) as lines:
            for clip_id in missing:
                num_frames = clips.measured(clip_id).num_frames
                lines.write(files[clip_id], None, num_frames=num_frames)


def _report(clips: ClipStore, by_reason: Mapping[str, int]) -> dict[str, Any]:
    seen = [clips.measured(clip_id) for clip_id in clips]
    num_frames = sum(clip.num_frames for clip in seen)
    differences = [abs(clip.media["length_difference_seconds"]) for clip in seen]
    return {
        "num_clips": len(seen),
        "num_rejected": sum(by_reason.values()),
        "by_reason": dict(by_reason),
        "hours_of_video": round(num_frames / FRAMES_PER_SECOND / 3600, 4),
        "num_clips_with_other_faces": sum(clip.media["num_face_tracks"] > 1 for clip in seen),
        "largest_length_difference_seconds": round(max(differences, default=0.0), 4),
    }


def _write_rejects(rejects: Sequence[RejectLine], directory: Path) -> None:
    atomic_write(directory / REJECTS, "".join(json.dumps(line) + "\n" for line in rejects))


def _check_settings(directory: Path, settings: dict[str, Any]) -> None:
    """Refuses a directory whose clips were made with other settings."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / SETTINGS
    if not path.is_file():
        atomic_write(path, json.dumps(settings))
    before = json.loads(path.read_text(encoding="utf-8"))
    if before != settings:
        raise ValueError(
            f"{directory} was started with {before}, not {settings}: the clips would differ. Use "
            "the settings it was started with, or remove it to start over."
        )
