"""All raw files of a dataset to clips: parallel, and resumed where it was left.

A directory holds the state: `settings.json`, a clip in `clips/` for each file that has one, a line
in `rejects.jsonl` for each that has none. A file is done as soon as it has either.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync.files import write_whole
from avsync.prepare.store import ClipStore
from avsync.prepare.workers import prepare_in_processes
from avsync.types import MediaFile
from avsync.units import FRAMES_PER_SECOND

# To be counted up whenever the clips come out differently than before.
VERSION = 2

REJECTS, REPORT = "rejects.jsonl", "prepare_report.json"

# One line of rejects.jsonl: clip_id, path, reason, detail.
RejectLine = dict[str, str]


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
    num_workers: int,
    progress: Callable[[int, int], None] = lambda num_clips, num_rejected: None,
) -> PreparedMedia:
    """Prepares those of `media` that are not done; `directory` may be that of a job cut short.

    `progress` is called with the numbers of clips and rejects so far. ValueError if two files
    share an id, if the directory was begun with other settings, or if no file becomes a clip.
    """
    files = {file.clip_id: file for file in media}
    if len(files) != len(media):
        twice = Counter(file.clip_id for file in media).most_common(1)[0][0]
        raise ValueError(f"two raw files have the id {twice!r}; ids must be unique in a dataset")
    _check_settings(directory, {"version": VERSION, "detector": detector})
    clips = ClipStore(directory / "clips", files)
    clips.directory.mkdir(exist_ok=True)
    rejects = {
        line["clip_id"]: line
        for line in _read_rejects(directory / REJECTS)
        if line["clip_id"] in files
    }
    num_clips = len(clips)
    progress(num_clips, len(rejects))
    pending = [file for file in media if file.clip_id not in rejects and file.clip_id not in clips]
    outcomes = prepare_in_processes(
        pending, clips.directory, detector=detector, num_workers=num_workers
    )
    with (directory / REJECTS).open("a") as file:
        for outcome in outcomes:
            if outcome.reject is None:
                num_clips += 1
            else:
                line = {
                    "clip_id": outcome.media.clip_id,
                    "path": str(outcome.media.path),
                    "reason": outcome.reject.reason,
                    "detail": outcome.reject.detail,
                }
                rejects[outcome.media.clip_id] = line
                file.write(json.dumps(line) + "\n")
                file.flush()
            progress(num_clips, len(rejects))
    if not num_clips:
        reasons = dict(Counter(line["reason"] for line in rejects.values()).most_common())
        raise ValueError(
            f"none of {len(media)} raw files became a clip: {reasons}; see {directory / REJECTS}"
        )
    lines = [rejects[clip_id] for clip_id in files if clip_id in rejects]
    return PreparedMedia(clips, lines, _report(clips, lines) | {"detector": detector})


def forget_rejects(directory: Path) -> None:
    """Files rejected earlier will be tried once more."""
    (directory / REJECTS).unlink(missing_ok=True)


def write_reports(rejects: list[RejectLine], report: dict[str, Any], directory: Path) -> None:
    """rejects.jsonl and prepare_report.json, the report last: where it is, both are whole."""
    write_whole(directory / REJECTS, "".join(json.dumps(line) + "\n" for line in rejects))
    write_whole(directory / REPORT, json.dumps(report, indent=2) + "\n")


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


def _report(clips: ClipStore, rejects: list[RejectLine]) -> dict[str, Any]:
    seen = [clips.media(clip_id) for clip_id in clips]
    num_frames = sum(clips.num_frames(clip_id) for clip_id in clips)
    return {
        "num_clips": len(seen),
        "num_rejected": len(rejects),
        "by_reason": dict(Counter(line["reason"] for line in rejects).most_common()),
        "hours_of_video": round(num_frames / FRAMES_PER_SECOND / 3600, 4),
        "num_clips_with_other_faces": sum(media["num_face_tracks"] > 1 for media in seen),
        "largest_length_difference_seconds": round(
            max((abs(media["length_difference_seconds"]) for media in seen), default=0.0), 4
        ),
    }


def _check_settings(directory: Path, settings: dict[str, Any]) -> None:
    """Clips made in two ways must not meet in one dataset."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "settings.json"
    if not path.is_file():
        write_whole(path, json.dumps(settings))
    before = json.loads(path.read_text())
    if before != settings:
        raise ValueError(
            f"{directory} was begun with {before}, now it is {settings}: the clips would differ. "
            "Go on with the settings of before, or remove that directory to begin anew."
        )


def _read_rejects(path: Path) -> list[RejectLine]:
    """The lines of an earlier run; one that was being written when it was killed is dropped."""
    if not path.is_file():
        return []
    whole, _, _ = path.read_text().rpartition("\n")
    write_whole(path, whole + "\n" if whole else "")
    return [json.loads(line) for line in whole.splitlines()]
