"""The files of a dataset in either format: TFRecord, and ArrayRecord, which loaders read at random.

avsync trains and evaluates from TFRecord files, which TensorFlow reads ahead; ArrayRecord files are
for the data loaders of Grain and PyTorch.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from avsync import lookup
from avsync.mirror import local_file
from avsync.names import shown_text
from avsync.records import tfrecord

TFRECORD, ARRAY_RECORD = "tfrecord", "array_record"
FILE_FORMATS = (TFRECORD, ARRAY_RECORD)

# Each record by itself, for random access. Mouth crops are compressed as PNG and JPEG: zstd would
# save 2% of the bytes and take five times as long.
OPTIONS = "group_size:1,uncompressed"


def require_format(name: str) -> str:
    """`name` if it is one of `FILE_FORMATS`; else ValueError lists them."""
    lookup.require("file format", name, FILE_FORMATS)
    return name


def is_array_record(path: str | Path) -> bool:
    """True if a shard of this name is an ArrayRecord file."""
    return f".{ARRAY_RECORD}-" in Path(path).name


def require_tfrecord(dataset: str, *paths: str) -> None:
    """ValueError if one of the shards of `dataset` is an ArrayRecord file."""
    if any(map(is_array_record, paths)):
        raise ValueError(
            f"{dataset} was prepared with --file_format=array_record, for the data loaders of "
            "Grain and PyTorch. avsync trains and evaluates from TFRecord files: prepare it into "
            "another folder with --file_format=tfrecord"
        )


def read_at(path: str | Path, indices: Iterable[int]) -> Iterator[bytes]:
    """Yields the records of a shard at these ascending indices, as `tfrecord.read_at`."""
    if not is_array_record(path):
        yield from tfrecord.read_at(path, indices)
        return
    path = local_file(path)
    if not Path(path).is_file():
        raise ValueError(shown_text(f"{path} is missing: {tfrecord.COPY}"))
    # Not at the top: there are no wheels for some systems.
    from array_record.python.array_record_module import ArrayRecordReader

    try:
        reader = ArrayRecordReader(path)
        for index in indices:
            yield reader.read([index])[0]
    except (IndexError, RuntimeError, ValueError) as error:
        raise ValueError(shown_text(f"{path} is damaged: {tfrecord.COPY}")) from error


def write_shard(path: str | Path, records: Iterable[bytes]) -> int:
    """Writes a shard in the format of its name; returns the bytes of all records.

    The same records are the same bytes of the file.
    """
    num_bytes = 0
    with _writer(path) as add:
        for record in records:
            add(record)
            num_bytes += len(record)
    return num_bytes


@contextlib.contextmanager
def _writer(path: str | Path) -> Iterator[Callable[[bytes], object]]:
    if not is_array_record(path):
        with open(path, "wb") as file:
            yield lambda record: file.write(tfrecord.framed(record))
        return
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(path), OPTIONS)
    try:
        yield writer.write
    finally:
        writer.close()
