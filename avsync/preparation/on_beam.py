"""Preparation on Apache Beam: the same worker processes, on all machines of its runner.

The machines share a filesystem with the raw files and the directory of the job, at the same paths.
Only places in the list of files travel through Beam, those of up to a hundred files at once: a
graph of a million files is larger than runners accept, and not every runner can read a text file.
The list, clips and journals are in the directory, as if one machine had made them.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam  # pyright: ignore[reportMissingImports] (an extra of its own)
from apache_beam.options import pipeline_options  # pyright: ignore[reportMissingImports]

from avsync import names
from avsync.files import atomic_write
from avsync.preparation.journal import Entry, Journal
from avsync.preparation.on_cluster import KeptWorker, require_absolute
from avsync.preparation.store import is_stored
from avsync.preparation.worker import Task
from avsync.types import MediaFile

PENDING = "pending.jsonl"

# What a process takes at once: at most so many files, and fewer where there would be few portions
# to share.
FILES_AT_ONCE, MIN_PORTIONS = 100, 1000


def prepare_on_beam(
    pending: Sequence[MediaFile], task: Task, *, journals: Path, options: Sequence[str]
) -> Iterator[Entry]:
    """Stores and journals the clip of each file; yields no outcomes.

    `options` are those of a Beam pipeline: "--runner=FlinkRunner", "--flink_master=HOST:8081".
    Raises ValueError if a path is relative, because working directories differ between machines,
    and whatever the runner raises: its own errors, and those of `Worker` as it wraps them.
    """
    require_absolute(pending, task, journals=journals, engine="Beam")
    path = journals.parent / PENDING
    at_once = min(FILES_AT_ONCE, 1 + len(pending) // MIN_PORTIONS)
    portions = [
        "".join(json.dumps(_line(file)) + "\n" for file in some)
        for some in (pending[i : i + at_once] for i in range(0, len(pending), at_once))
    ]
    sizes = [len(portion.encode()) for portion in portions]
    atomic_write(path, "".join(portions))
    places = list(zip(itertools.accumulate([0, *sizes]), sizes, strict=False))
    with beam.Pipeline(options=pipeline_options.PipelineOptions(list(options))) as pipeline:
        _ = (
            pipeline
            | "List" >> beam.Create(places)
            | "Spread" >> beam.Reshuffle()
            | "Prepare" >> beam.ParDo(_Prepare(task, journals, path))
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

    def __init__(self, task: Task, journals: Path, pending: Path):
        self._task, self._journals, self._pending = task, journals, pending

    def setup(self) -> None:
        self._worker = KeptWorker(self._task)
        self._journal = Journal(self._journals)

    def process(self, element: tuple[int, int]) -> Iterable[Any]:
        start, size = element
        with self._pending.open("rb") as file:
            file.seek(start)
            lines = file.read(size).splitlines()
        for line in map(json.loads, lines):
            # Beam repeats a bundle after one of its elements, or its machine, failed.
            if not is_stored(line["clip_id"], self._task.clips):
                outcome = self._worker.prepare(_media_file(line))
                self._journal.write(outcome.media, outcome.reject, num_frames=outcome.num_frames)
        return ()

    def teardown(self) -> None:
        self._worker.end()
        self._journal.close()
