"""Clips by processes of this machine, any of which may die without taking the job along."""

import itertools
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from pathlib import Path

from avsync.preparation.journal import Entry, Journal
from avsync.preparation.worker import Outcome, Task, Worker
from avsync.types import MediaFile

# How late a file may be found to have had its time.
LOOK_EVERY_SECONDS = 0.2


def prepare_in_processes(
    pending: Iterable[MediaFile], task: Task, *, journals: Path, num_workers: int
) -> Iterator[Entry]:
    """Stores the clip of each file; says what became of them as they come, in a journal too.

    A worker that dies, or takes more than the limits, costs the file that it had in hand. Raises
    ValueError if the detector cannot be had or the clips cannot be written.
    """
    with Journal(journals) as journal:
        for outcome in _outcomes(iter(pending), task, num_workers=num_workers):
            yield journal.write(outcome.media, outcome.reject, num_frames=outcome.num_frames)


def _outcomes(pending: Iterator[MediaFile], task: Task, *, num_workers: int) -> Iterator[Outcome]:
    workers = [Worker(file, task) for file in itertools.islice(pending, num_workers)]
    try:
        while workers:
            wait([worker.connection for worker in workers], timeout=LOOK_EVERY_SECONDS)
            for worker in tuple(workers):
                outcome = worker.outcome()
                if outcome is None:
                    continue
                following = next(pending, None)
                if following is not None and worker.is_usable():
                    worker.give(following)
                else:
                    worker.end()
                    workers.remove(worker)
                    if following is not None:
                        workers.append(Worker(following, task))
                yield outcome
    finally:
        for worker in workers:
            worker.end()
