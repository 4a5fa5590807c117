"""Mutants of videos: each is read, or rejected for a known reason, in bounded time and memory.

A few of each container in CI; thousands by hand, with a table of the outcomes:

    AVSYNC_FUZZ_MUTANTS=1000 python -m pytest tests/fuzz/test_fuzz_media.py -s

A mutant that ends otherwise is kept, and the test names it.
"""

import collections
import functools
import itertools
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from avsync.limits import Limits
from avsync.media.decode import open_video
from avsync.media.landmarks.base import FaceDetector, load_detector
from avsync.media.read_options import ReadOptions
from avsync.media.reading import DirectReader
from avsync.media.rejects import REASONS, Reject
from avsync.preparation.clips import prepare_clip
from avsync.processes import Done, Fault, WorkerProcess
from avsync.types import MediaFile
from tests.fuzz import seeds
from tests.fuzz.containers import Layout, structured_mutants
from tests.fuzz.mutations import mutants, num_mutants

NUMBER = num_mutants(16)  # of each file, half of them by structure
NUM_WORKERS = 2

# Mutants are read in 20 ms and 40 MB. A limit of the job would hide one that takes far more.
LIMITS = Limits(seconds=20.0, gigabytes=1.5, hours=1.0, megapixels=4.0)


class Mutant(NamedTuple):
    """A file to read, by one of `READERS`."""

    path: Path
    reader: str


class Outcome(NamedTuple):
    """A reason of `REASONS` or "read", and the most memory that the process had meanwhile."""

    status: str
    peak_megabytes: int


def read_for_scoring(path: Path, detector: FaceDetector) -> None:
    options = ReadOptions(max_seconds=LIMITS.max_seconds, max_pixels=LIMITS.max_pixels)
    reader = DirectReader(detector, options=options)
    with reader.footage(path, advance=lambda *_: None) as (footage, store):
        for track in footage.tracks:
            assert store.read(track.places).shape[1:] == (96, 96, 1)
        assert footage.remark.isprintable()
        assert len(footage.waveform) % 640 == 0


def read_for_preparation(path: Path, detector: FaceDetector) -> None:
    clip = prepare_clip(MediaFile("a", path), detector=detector, limits=LIMITS)
    assert len(clip.waveform) == 640 * len(clip.frames)


READERS = {"scoring": read_for_scoring, "preparation": read_for_preparation}


def start() -> Callable[[Any, Callable[[Any], None]], Outcome]:
    """The work of a process, see `WorkerProcess`; a warning would reach the terminal of a user."""
    warnings.simplefilter("error", RuntimeWarning)
    return functools.partial(read, load_detector("trees68"))


def read(detector: FaceDetector, mutant: Mutant, _: object) -> Outcome:
    status = "read"
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    try:
        READERS[mutant.reader](mutant.path, detector)
    except Reject as error:
        assert error.detail
        status = error.reason
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return Outcome(status, int(peak) // 1024)


class Pool:
    """Worker processes that read mutants; one that a mutant ended is replaced."""

    def __init__(self):
        self._workers = [self._start() for _ in range(NUM_WORKERS)]

    def _start(self) -> WorkerProcess:
        return WorkerProcess(
            start, seconds=LIMITS.seconds, gigabytes=LIMITS.gigabytes, expected=Reject
        )

    def outcomes(self, batch: list[Mutant]) -> list[Outcome | Fault]:
        shares = [batch[index::NUM_WORKERS] for index in range(NUM_WORKERS)]
        with ThreadPoolExecutor(NUM_WORKERS) as threads:
            done = threads.map(self._share, range(NUM_WORKERS), shares)
        return [x for x in itertools.chain(*itertools.zip_longest(*done)) if x is not None]

    def _share(self, index: int, batch: list[Mutant]) -> list[Outcome | Fault]:
        return [self._outcome(index, mutant) for mutant in batch]

    def _outcome(self, index: int, mutant: Mutant) -> Outcome | Fault:
        if not self._workers[index].is_usable():
            self._workers[index].end()
            self._workers[index] = self._start()
        worker, message = self._workers[index], None
        worker.give(mutant)
        while message is None:
            worker.connection.poll(1)
            message = worker.message()
        if isinstance(message, Fault):
            return message
        assert isinstance(message, Done)
        return message.value

    def close(self) -> None:
        for worker in self._workers:
            worker.end()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


def try_mutants(pool: Pool, data: bytes, layout: Layout, *, path: Path) -> None:
    """Reads `NUMBER` mutants of the file by both readers, and prints a row of the table."""
    halves = (
        mutants(data, seed=0, number=NUMBER - NUMBER // 2),
        structured_mutants(data, layout, seed=0, number=NUMBER // 2),
    )
    batch = []
    for number, mutant in enumerate(itertools.chain(*halves)):
        place = path.with_stem(f"{path.stem}_{number}")
        place.write_bytes(mutant)
        batch += [Mutant(place, reader) for reader in READERS]
    outcomes = pool.outcomes(batch)
    assert len(outcomes) == len(batch)
    found = collections.Counter(
        outcome.kind if isinstance(outcome, Fault) else outcome.status for outcome in outcomes
    )
    peak = max((o.peak_megabytes for o in outcomes if isinstance(o, Outcome)), default=0)
    print(f"\n{path.name:16} {len(batch):6} {peak:5} MB  {dict(found.most_common())}")
    faults = [
        f"{mutant.path} ({mutant.reader}): {outcome.kind}: {outcome.detail}"
        for mutant, outcome in zip(batch, outcomes, strict=True)
        if isinstance(outcome, Fault)
    ]
    kept = {fault.split(" (")[0] for fault in faults}
    for mutant in batch:
        if str(mutant.path) not in kept:
            mutant.path.unlink(missing_ok=True)
    assert not faults, "\n".join(faults)
    assert found.keys() <= {"read", *REASONS}
    assert found["read"] + found["no_face"], "all mutants are rejected: the file is no seed"


@pytest.mark.parametrize("name", seeds.KINDS)
def test_every_mutant_is_read_or_rejected(pool: Pool, tmp_path: Path, name: str):
    kind = seeds.KINDS[name]
    path = tmp_path / f"{name}.{kind.extension}"
    data = seeds.write(path, kind, seeds.moving_square())
    try_mutants(pool, data, kind.layout, path=path)


@pytest.mark.parametrize("name", ["mp4", "mkv"])
def test_every_mutant_with_a_face_is_read_or_rejected(
    pool: Pool, tmp_path: Path, testdata: Path, name: str
):
    kind = seeds.KINDS[name]
    path = tmp_path / f"face.{kind.extension}"
    with open_video(min((testdata / "grid_s1" / "video").glob("*.mkv"))) as video:
        frames = np.stack(list(itertools.islice(video.frames(), seeds.NUM_FRAMES)))
    data = seeds.write(path, kind, frames)
    try_mutants(pool, data, kind.layout, path=path)
