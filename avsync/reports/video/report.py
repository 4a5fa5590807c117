"""The results of a job in its folder: records as files are done, then what is said about all.

A picture explains each scored file, or each that is flagged, and a page if asked for. They are made
where the file was read, in the worker: drawing a picture takes as long as everything else together
(some 0.22 of 0.45 CPU s for a clip of 3 s).
"""

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync import __version__, names, runtime
from avsync.files import atomic_write
from avsync.media.playback import MAX_EMBEDDED_BYTES
from avsync.media.reading import Reader
from avsync.media.rejects import Reject
from avsync.processes import described
from avsync.reports import text
from avsync.reports.drawing import to_png
from avsync.reports.video import picture
from avsync.reports.video.case_page import make_page
from avsync.reports.video.job import Explained, Job
from avsync.reports.video.record import Record, frame_record, make_record
from avsync.reports.video.result_folder import ResultFolder
from avsync.reports.video.summary import Summary
from avsync.reports.video.tables import CsvTable, JsonList, Output
from avsync.reports.video.terminal_table import TABLE_WIDTH, TerminalTable
from avsync.scoring.video import verdict
from avsync.scoring.video.job import score_files
from avsync.scoring.video.lse_scorer import LseScorer
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import OK, VideoResult
from avsync.scoring.video.video_scorer import Origin, VideoScorer

# The pictures of more files are worth a note.
MANY, PICTURE_BYTES = 1000, 0.3e6
PAGE_BYTES = MAX_EMBEDDED_BYTES * 4 / 3  # in base64, and some hundred kilobytes

# So that no page is called summary.html.
PAGE_SUFFIX = ".report.html"


# An output in the folder of results.
MakeOutput = Callable[[Path], Output]


class Finished(NamedTuple):
    """What is written about a file; all but its record are None where there are none."""

    record: Record
    frames: Record | None
    png: bytes | None
    page: str | None


class Report:
    """The report of a job about the files `paths`.

    `finish` is called in the threads that score, all else in one.

    Attributes:
      num_scored: the number of files with a score, once they are written.
      num_not_tolerated: the number of files that are not known to keep the tolerance; all without.
    """

    def __init__(
        self,
        folder: ResultFolder,
        paths: Sequence[Path],
        reference: Reference,
        *,
        origin: Origin,
        explained: Explained,
        audio_track: int | None = None,
    ):
        """`audio_track` is the one that was asked for, see `read_playback`."""
        self._folder, self._paths = folder, paths
        self._reference, self._origin = reference, origin
        self._explained, self._audio_track = explained, audio_track
        self._names = picture_names(paths, folder.pictures())
        rate = reference.false_alarm_rate
        self._thresholds = {"score": reference.threshold, "false_alarm_rate": rate}
        self._outputs: list[Output] = []
        self.num_scored = 0
        self.num_not_tolerated = 0

    def finish(self, path: Path, result: VideoResult, reader: Reader) -> Finished:
        """What is to be written about a file; its hash, picture and page are made by its reader."""
        record = make_record(
            result,
            content=reader.content(path),
            thresholds=self._thresholds,
            origin=self._origin,
            compared_with=verdict.comparison(self._reference) if result.is_scored else None,
            group=self._reference.group_entry(),
        )
        png = page = None
        if self._explained.explains(record):
            draw = functools.partial(draw_png, result, self._reference)
            # Importing what draws takes a worker 2 s: not worth it for one file.
            call = reader.call if len(self._paths) > 1 else _call
            png = self._made("picture", ".png", draw, record, call)
            if self._explained.with_pages:
                make = functools.partial(
                    make_page,
                    result,
                    record,
                    self._reference,
                    audio_track=self._audio_track,
                    folder=self._folder.path,
                )
                # It decodes the file, which may crash a process.
                page = self._made("page", PAGE_SUFFIX, make, record, reader.call)
        return Finished(record, frame_record(result), png, page)

    def add(self, finished: Finished) -> None:
        """Writes the picture and the page of a file, its frame scores, and its record last."""
        record = finished.record
        for kind, content in (("picture", finished.png), ("page", finished.page)):
            if content is not None:
                atomic_write(self._folder.path / names.local(record[kind]), content)
        self._folder.add(record, finished.frames)

    def write_all(self, outputs: Sequence[MakeOutput]) -> None:
        """Writes what is said about all files that are done, `outputs` last."""
        table = functools.partial(TerminalTable, self._reference)
        summary = functools.partial(Summary, reference=self._reference)
        self._outputs = self._write([lambda _: table(), summary, *outputs])

    def write_unfinished(self) -> None:
        """Writes the tables of what is done, after an error; lists of files would mislead."""
        self._write([])

    def print_all(self) -> None:
        """Prints the table, what the outputs say, and where the rest is."""
        console = text.console(TABLE_WIDTH)
        for output in self._outputs:
            output.print_on(console)
        console.print(f"details: {self._folder.path}", soft_wrap=True)

    def _write(self, more: Sequence[MakeOutput]) -> list[Output]:
        self.num_scored = self.num_not_tolerated = 0
        with contextlib.ExitStack() as stack:
            outputs = [
                stack.enter_context(make(self._folder.path)) for make in (CsvTable, JsonList, *more)
            ]
            for record in self._folder.records(self._paths):
                self.num_scored += record["status"] == OK
                tolerance = record.get("tolerance") or {}
                self.num_not_tolerated += not tolerance.get("passes")
                for output in outputs:
                    output.add(record)
        return outputs

    def _made(
        self,
        kind: str,
        suffix: str,
        make: Callable[[], Any],
        record: Record,
        call: Callable[[Callable[[], Any]], Any],
    ) -> Any:
        """The picture or the page of a file, named in its record; None, with the reason, if not."""
        try:
            made = call(make)
        except Exception as error:  # the scores are right
            reason = error.detail if isinstance(error, Reject) else described(error)
            record["message"] += f"; it has no {kind}: {reason}"
            return None
        record[kind] = Path(self._names[record["path"]]).stem + suffix
        return made


def score_job(
    job: Job,
    scorer: VideoScorer | LseScorer,
    *,
    settings: Mapping[str, Any],
    outputs: Sequence[MakeOutput],
    notes: Sequence[str],
) -> Report | None:
    """Scores the pending files of a job, and writes what is said about all.

    `settings` are what scores depend on besides the model and the version. Returns None on any but
    the first process of a job. ValueError if the folder has results with other settings.
    """
    made_by = {"version": __version__, **scorer.origin._asdict(), **settings}
    job.folder.check_settings(made_by)
    report = Report(
        job.folder,
        job.paths,
        scorer.reference,
        origin=scorer.origin,
        explained=job.explained,
        audio_track=settings.get("audio_track"),
    )
    if job.num_done:
        notes = [*notes, f"{job.num_done:,} files are done already, in {job.folder.path}"]
    pictures, with_pages = job.explained
    if pictures == "all" and len(job.pending) > MANY:
        gigabytes = len(job.pending) * PICTURE_BYTES / 1e9
        pages = f", and their pages up to {PAGE_BYTES / 1e6:.0f} MB each" if with_pages else ""
        notes = [*notes, f"their pictures take about {gigabytes:.1f} GB{pages}: see --pictures"]
    scorers = [scorer.with_reader(reader) for reader in job.readers]
    try:
        score_files(
            job.pending,
            scorers,
            finish=report.finish,
            add=report.add,
            # A picture would wait for the worker to read the next file, maybe for an hour.
            reads_ahead=pictures == "none",
            notes=notes,
        )
    except BaseException:
        if runtime.this_host().count == 1:
            report.write_unfinished()
        raise
    job.folder.close(wait_for_all=runtime.wait_for_all)
    if not runtime.is_first():
        return None
    report.write_all(outputs)
    return report


def _call(function: Callable[[], Any]) -> Any:
    return function()


def draw_png(result: VideoResult, reference: Reference) -> bytes:
    """The picture of a scored file."""
    return to_png(picture.draw(result, reference), cropped=False)


def picture_names(paths: Sequence[Path], done: Mapping[str, str]) -> dict[str, str]:
    """The name of the picture of each file, by path as in the records.

    Files of several folders may share a name: they are numbered, in the order of `paths`, whoever
    scores which of them first. `done` has the pictures that are there; they keep their names.
    """
    given: dict[str, str] = {}
    taken, reserved = set[str](), set(map(names.on_disk, done.values()))
    numbers: Counter[str] = Counter()  # so that a thousand files of one name are numbered at once
    for path in paths:
        key = names.portable(path)
        stem = names.stored_readable(names.portable(path.stem))
        while True:
            numbers[stem] += 1
            name = f"{stem}.png" if numbers[stem] == 1 else f"{stem}-{numbers[stem]}.png"
            is_own = done.get(key) == name
            if names.on_disk(name) not in taken and (is_own or names.on_disk(name) not in reserved):
                break
        taken.add(names.on_disk(name))
        given[key] = name
    return given
