"""The beginning of a job that scores files into a folder, before JAX is imported.

What is wrong is found at once, and the first files are read while JAX is being imported.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from avsync.json_lines import Record
from avsync.limits import Limits
from avsync.media.process_reader import ProcessReader
from avsync.processes import default_workers
from avsync.reports.video.result_folder import ALONE, OK, ResultFolder, open_folder
from avsync.types import Host

# Which scored files get a picture.
PICTURES = ("all", "flagged", "none")

# No score, no suspicion, no opinion.
NOT_FLAGGED = {None, "consistent", "not_judged"}


def is_flagged(verdict: str | None) -> bool:
    """True for a verdict that somebody should look at, such as a mismatch."""
    return verdict not in NOT_FLAGGED


class Explained(NamedTuple):
    """The scored files that get a picture, one of `PICTURES`, and whether these get a page too."""

    pictures: str = "all"
    with_pages: bool = False

    def explains(self, record: Record) -> bool:
        """Whether the file of this record gets a picture."""
        if self.pictures == "none" or record["status"] != OK:
            return False
        return self.pictures == "all" or is_flagged(record["verdict"])

    def is_missing(self, record: Record) -> bool:
        """Whether the file of this record lacks a picture or a page that it gets."""
        kinds = ("picture", "page") if self.with_pages else ("picture",)
        return self.explains(record) and not all(record[kind] for kind in kinds)


class Job(NamedTuple):
    """A job that has begun.

    folder: of the results.
    paths: the files asked for, each once.
    pending: those that this process is to score.
    num_done: those of its share that have a record, and the picture and page that they get.
    readers: of the files, with a worker each; at least one.
    explained: which files get pictures and pages.
    """

    folder: ResultFolder
    paths: list[Path]
    pending: list[Path]
    num_done: int
    readers: list[ProcessReader]
    explained: Explained


@contextlib.contextmanager
def begin(
    out_dir: Path,
    paths: Sequence[Path],
    *,
    detector: str,
    audio_track: int | None,
    limits: Limits,
    num_workers: int,
    retry_failed: bool,
    with_frames: bool,
    explained: Explained,
    host: Host = ALONE,
    wait_for_all: Callable[[], None] = lambda: None,
) -> Iterator[Job]:
    """The job, for process `host` of those that share it; its workers have ended afterwards.

    `retry_failed` scores files again that have no score, `with_frames` keeps frame scores.
    ValueError if another job holds the folder, or what is in it is damaged.
    """
    paths = list(dict.fromkeys(paths))
    opened = open_folder(out_dir, host=host, wait_for_all=wait_for_all, with_frames=with_frames)
    with opened as folder, contextlib.ExitStack() as stack:
        pending, num_done = folder.pending(
            paths, retry_failed=retry_failed, is_unfinished=explained.is_missing
        )
        num_readers = max(1, min(num_workers, len(pending)))
        start = functools.partial(
            ProcessReader,
            detector,
            limits=limits,
            audio_track=audio_track,
            num_threads=1 if num_readers >= default_workers() else 0,
        )
        readers = [stack.enter_context(contextlib.closing(start())) for _ in range(num_readers)]
        for reader, path in zip(readers, pending, strict=False):
            reader.look_ahead(path)
        yield Job(folder, paths, pending, num_done, readers, explained)
