"""The files of a dataset, written by several processes; the bytes do not depend on their number.

Each portion of a split becomes a TFRecord file of its own. These can be joined end to end, so that
shards are cut from them, at the places where TFDS would cut them. Shards of ArrayRecord, which has
an index, are written from their records.
"""

import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils.shard_utils import ShardConfig, get_shard_boundaries

from avsync.datasets._portions import Make, Portioned
from avsync.limits import DEFAULT_LIMITS
from avsync.processes import POLL_SECONDS, Fault, JobError, Report, Work, WorkerProcess
from avsync.records.clip_record import Serializer
from avsync.records.shards import ARRAY_RECORD, write_shard
from avsync.records.tfrecord import CHECKSUM, LENGTH, OVERHEAD_BYTES, framed
from avsync.types import Clip

# Items of a portion: enough to send, few enough to share. A real clip of 3 s takes 25 ms, with nine
# fakes 60 ms, and a process two seconds to start: it is worth that for 128 items.
PORTION_ITEMS = 8
MIN_PORTIONS_PER_PROCESS = 16

# A portion that takes longer hangs.
PORTION_SECONDS = 3600.0

PORTIONS = "portions"

COPY_BYTES = 2**20


class Portion(NamedTuple):
    """A function that makes some clips of a split, and the file that their records go to."""

    make: Make
    path: Path
    storage: str


class Written(NamedTuple):
    """The sizes of the records that were written, and the clips that could not be made."""

    path: Path
    num_bytes: list[int]
    left_out: list[Any]


def write_splits(
    splits: Mapping[str, Iterable[Clip]],
    *,
    storage: str,
    templates: Mapping[str, tfds.core.ShardedFileTemplate],
    folder: Path,
    num_processes: int,
    shards: ShardConfig = ShardConfig(),  # noqa: B008 (immutable)
) -> list[tfds.core.SplitInfo]:
    """Writes the files of all splits; returns what TFDS records of them, in the same order.

    `Portioned` splits are made in `num_processes` processes, or here if they are few; other splits
    are made here. ValueError if a split is empty, or a process fails.
    """
    scratch = folder / PORTIONS
    scratch.mkdir()
    portions = {
        name: [
            Portion(make, scratch / f"{name}-{number:06d}", storage)
            for number, make in enumerate(_makes(clips))
        ]
        for name, clips in splits.items()
    }
    shared = [p for n, clips in splits.items() if isinstance(clips, Portioned) for p in portions[n]]
    num_processes = min(num_processes, len(shared) // MIN_PORTIONS_PER_PROCESS)
    done = _in_processes(shared, num_processes) if num_processes > 1 else {}
    serialize = Serializer(storage)
    infos = []
    for name, clips in splits.items():
        written = [done.get(p.path) or write_portion(p, serialize) for p in portions[name]]
        if isinstance(clips, Portioned):
            clips.conclude([left for part in written for left in part.left_out])
        infos.append(_join(name, written, templates[name], shards))
    shutil.rmtree(scratch)
    return infos


def write_portion(portion: Portion, serialize: Serializer) -> Written:
    """Writes the records of a portion to its file."""
    written = Written(portion.path, [], [])
    with portion.path.open("wb") as file:
        for made in portion.make():
            if isinstance(made, Clip):
                record = serialize(made)
                written.num_bytes.append(len(record))
                file.write(framed(record))
            else:
                written.left_out.append(made)
    return written


def _makes(clips: Iterable[Clip]) -> Iterator[Make]:
    if isinstance(clips, Portioned):
        for start in range(0, len(clips.items), PORTION_ITEMS):
            yield clips.portion(clips.items[start : start + PORTION_ITEMS])
    else:
        yield lambda: clips


def _in_processes(portions: Sequence[Portion], num_processes: int) -> dict[Path, Written]:
    """Writes the portions, each process one at a time; by their paths."""
    remaining, done = iter(portions), {}
    workers = [
        WorkerProcess(
            _start,
            seconds=PORTION_SECONDS,
            gigabytes=DEFAULT_LIMITS.gigabytes,
            expected=ValueError,
        )
        for _ in range(num_processes)
    ]
    try:
        busy = {}
        for worker, portion in zip(
            workers, itertools.islice(remaining, num_processes), strict=True
        ):
            worker.give(portion)
            busy[worker] = portion
        while busy:
            wait([worker.connection for worker in busy], timeout=POLL_SECONDS)
            for worker in tuple(busy):
                message = worker.message()
                if message is None:
                    continue
                done[busy.pop(worker).path] = _result(message)
                if (portion := next(remaining, None)) is not None:
                    worker.give(portion)
                    busy[worker] = portion
    finally:
        for worker in workers:
            worker.end()
    return done


def _result(message: Any) -> Written:
    assert not isinstance(message, Report)
    if isinstance(message, Fault):
        raise JobError(
            f"a process that wrote the dataset failed ({message.kind}: {message.detail}); run it "
            "again to resume"
        )
    if isinstance(message.value, ValueError):
        raise message.value
    return message.value


def _start() -> Work:
    serializers: dict[str, Serializer] = {}

    def write(portion: Portion, report: Callable[[Any], None]) -> Written:
        del report
        storage = portion.storage
        serialize = serializers.setdefault(storage, Serializer(storage))
        return write_portion(portion, serialize)

    return write


def _join(
    name: str,
    written: Sequence[Written],
    template: tfds.core.ShardedFileTemplate,
    shards: ShardConfig,
) -> tfds.core.SplitInfo:
    """Cuts the shards of a split from the files of its portions, which are removed."""
    num_bytes = [size for part in written for size in part.num_bytes]
    if not num_bytes:
        raise ValueError(f"split {name} has no clips")
    num_shards = shards.get_number_shards(sum(num_bytes), len(num_bytes))
    ends = get_shard_boundaries(len(num_bytes), num_shards)
    lengths = [end - start for start, end in itertools.pairwise([0, *ends])]
    paths = [
        Path(template.sharded_filepath(shard_index=index, num_shards=num_shards))
        for index in range(num_shards)
    ]
    if template.filetype_suffix == ARRAY_RECORD:
        records = _records(written)
        for path, length in zip(paths, lengths, strict=True):
            write_shard(path, itertools.islice(records, length))
        assert next(records, None) is None
    else:
        sizes = iter(num_bytes)
        _cut(
            _blocks(part.path for part in written),
            {
                path: sum(itertools.islice(sizes, length)) + OVERHEAD_BYTES * length
                for path, length in zip(paths, lengths, strict=True)
            },
        )
    return tfds.core.SplitInfo(
        name=name, shard_lengths=lengths, num_bytes=sum(num_bytes), filename_template=template
    )


def _cut(blocks: Iterator[bytes], sizes: Mapping[Path, int]) -> None:
    """Writes the content of `blocks` to the files, of these sizes in bytes."""
    rest = b""
    for path, left in sizes.items():
        with path.open("wb") as shard:
            while left:
                rest = rest or next(blocks)
                shard.write(rest[:left])
                left, rest = left - len(rest[:left]), rest[left:]
    assert not rest and not list(blocks)


def _records(written: Sequence[Written]) -> Iterator[bytes]:
    """The records of the files, one after the other; each file is removed once it is read."""
    for part in written:
        with part.path.open("rb") as file:
            for size in part.num_bytes:
                file.seek(LENGTH.size + CHECKSUM.size, os.SEEK_CUR)
                yield file.read(size)
                file.seek(CHECKSUM.size, os.SEEK_CUR)
        part.path.unlink()


def _blocks(paths: Iterable[Path]) -> Iterator[bytes]:
    """The content of the files, end to end; each is removed once it is read."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while block := file.read(COPY_BYTES):
                yield block
        path.unlink()
