"""Preparation on Apache Beam: the same worker processes, on all machines of its runner.

The machines share a filesystem with the raw files and the directory of the job, at the same paths.
Only ids, paths and audio tracks travel through Beam; clips and journals are written to the
directory as if one machine had made them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam  # pyright: ignore[reportMissingImports] (an extra of its own)
from apache_beam.io import ReadFromText  # pyright: ignore[reportMissingImports]
from apache_beam.options import pipeline_options  # pyright: ignore[reportMissingImports]

from avsync import names
from avsync.files import atomic_write
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.on_cluster import KeptWorker, require_absolute
from avsync.preparation.store import is_stored
from avsync.preparation.worker import Task
from avsync.types import MediaFile

PENDING = "pending.jsonl"


def prepare_on_beam(
    pending: Sequence[MediaFile], task: Task, *, journals: Path, options: Sequence[str]
) -> Iterator[Entry]:
    """Stores and journals the clip of each file; yields no outcomes.

    `options` are those of a Beam pipeline: "--runner=FlinkRunner", "--flink_master=HOST:8081".
    Raises ValueError if a path is relative, because working directories differ between machines,
    and whatever the runner raises: its own errors, and those of `Worker` as it wraps them.
    """
    require_absolute(pending, task, journals=journals, engine="Beam")
    # A file: a pipeline with a million elements in it would be larger than runners accept.
    path = journals.parent / PENDING
    lines = (json.dumps(_line(file)) for file in pending)
    atomic_write(path, "".join(f"{line}\n" for line in lines))
    with beam.Pipeline(options=pipeline_options.PipelineOptions(list(options))) as pipeline:
        _ = (
            pipeline
            | "List" >> ReadFromText(str(path))
            | "Spread" >> beam.Reshuffle()
            | "Prepare" >> beam.ParDo(_Prepare(task, journals))
        )
    return iter(())


def _line(file: MediaFile) -> dict[str, Any]:
    """What a worker needs of a file; labels are read again when the dataset is written."""
    return {
        "clip_id": file.clip_id,
        "path": names.portable(file.path),
        "audio_track": file.audio_track,
        "sound": names.portable(file.sound) if file.sound else None,
    }


def _media_file(line: Mapping[str, Any]) -> MediaFile:
    return MediaFile(
        line["clip_id"],
        Path(names.local(line["path"])),
        audio_track=line["audio_track"],
        sound=Path(names.local(line["sound"])) if line["sound"] else None,
    )


class _Prepare(beam.DoFn):
    """A worker process and a journal for each process that Beam runs."""

    def __init__(self, task: Task, journals: Path):
        self._task, self._journals = task, journals

    def setup(self) -> None:
        self._worker = KeptWorker(self._task)
        self._journal = Journal(self._journals)

    def process(self, element: str) -> Iterable[Any]:
        line = json.loads(element)
        # Beam repeats a bundle after one of its elements, or its machine, failed.
        if not is_stored(line["clip_id"], self._task.clips):
            outcome = self._worker.prepare(_media_file(line))
            self._journal.write(outcome.media, outcome.reject, num_frames=outcome.num_frames)
        return ()

    def teardown(self) -> None:
        self._worker.end()
        self._journal.close()
