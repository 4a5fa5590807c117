"""All raw files of a dataset to clips: parallel, and resumed where it was left.

A directory holds the state, of which nothing is ever written by two processes:

settings.json     how clips are made; those made differently do not mix
plan.json         how many files there are to prepare
clips/            a clip for each file that has one
journals/         a line for each file that is done (`avsync.preparation.journal`)

A file is done as soon as it has its clip, or a line that says why there is none.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync import lookup
from avsync.files import atomic_write
from avsync.preparation import journal
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.store import ClipStore, stored_ids
from avsync.preparation.worker import DEFAULT_LIMITS, Limits, Task
from avsync.types import MediaFile
from avsync.units import FRAMES_PER_SECOND

# To be counted up whenever the clips come out differently than before.
VERSION = 4

REJECTS, REPORT = "rejects.jsonl", "prepare_report.json"

SETTINGS, PLAN, CLIPS, JOURNALS = "settings.json", "plan.json", "clips", "journals"

# One line of rejects.jsonl: clip_id, path, reason, detail.
RejectLine = dict[str, str]

# What prepares files: `engine(pending, task, journals=folder)` writes a journal of each, and tells
# of some as they come.
Engine = Callable[..., Iterable[Entry]]


class PreparedMedia(NamedTuple):
    """What became of the files: clips and rejects together are all of them."""

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
    """Prepares those of `media` that are not done; `directory` may be that of a job cut short.

    `engine` is `prepare_in_processes` or `prepare_on_beam` with its own arguments bound: what one
    began the other can end. `progress` is called with the numbers of clips and rejects so far.
    ValueError if two files share an id, if there is no such detector, if the directory was begun
    with other settings, or if no file becomes a clip.
    """
    files = {file.clip_id: file for file in media}
    if len(files) != len(media):
        twice = Counter(file.clip_id for file in media).most_common(1)[0][0]
        raise ValueError(f"two raw files have the id {twice!r}; ids must be unique in a dataset")
    lookup.load("media.landmarks", detector)  # a name mistyped must not become a setting
    _check_settings(directory, {"version": VERSION, "detector": detector})
    atomic_write(directory / PLAN, json.dumps({"num_files": len(files)}))
    task = Task(directory / CLIPS, detector, limits)
    task.clips.mkdir(exist_ok=True)
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
    """Files rejected earlier will be tried once more."""
    journal.forget_rejects(directory / JOURNALS)


def write_reports(rejects: list[RejectLine], report: dict[str, Any], directory: Path) -> None:
    """rejects.jsonl and prepare_report.json, the report last: where it is, both are whole."""
    _write_rejects(rejects, directory)
    atomic_write(directory / REPORT, json.dumps(report, indent=2) + "\n")


def read_report(directory: Path, *, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The report of what was prepared there, or None; ValueError if with other `settings`."""
    path = directory / REPORT
    if not path.is_file():
        return None
    report = json.loads(path.read_text())
    for name, value in settings.items():
        if report[name] != value:
            raise ValueError(
                f"{directory} was prepared with {name} {report[name]}, not {value}: remove it, or "
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
            f"{num_open} of {len(files)} raw files are not done, though the job has ended: run it "
            "again, and it goes on with them"
        )
    if not clips:
        raise ValueError(
            f"none of {len(files)} raw files became a clip: {by_reason}; see {directory / REJECTS}"
        )
    return PreparedMedia(clips, rejects, _report(clips, by_reason) | {"detector": detector})


def _rejects(directory: Path, files: Mapping[str, MediaFile]) -> dict[str, Entry]:
    """The entries of those files that are rejects, in the order of the files.

    A file that was elsewhere when it was rejected is another file, and may be a clip.
    """
    entries = journal.read(directory / JOURNALS)
    stored = stored_ids(directory / CLIPS)
    ended = ((entries.get(clip_id), file) for clip_id, file in files.items())
    return {
        file.clip_id: entry
        for entry, file in ended
        if entry and entry.reason and entry.path == str(file.path) and file.clip_id not in stored
    }


def _journal_all(clips: ClipStore, files: Mapping[str, MediaFile], directory: Path) -> None:
    """Writes the lines of those clips whose writers were killed before they could."""
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
    """Clips made in two ways must not meet in one dataset."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / SETTINGS
    if not path.is_file():
        atomic_write(path, json.dumps(settings))
    before = json.loads(path.read_text())
    if before != settings:
        raise ValueError(
            f"{directory} was begun with {before}, now it is {settings}: the clips would differ. "
            "Go on with the settings of before, or remove that directory to begin anew."
        )
