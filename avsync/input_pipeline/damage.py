"""Which file of a dataset is damaged: TensorFlow's error names neither file nor dataset."""

from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.input_pipeline.fetching import take_failure
from avsync.mirror import address_of, local_file
from avsync.names import shown_text
from avsync.records.tfrecord import COPY
from avsync.types import Source

MAX_REASON = 200  # characters of TensorFlow's message, which may print a record


def read_rows(dataset: Any, *sources: Source) -> Iterator[Any]:
    """The rows of `dataset`, which reads `sources`, as NumPy arrays.

    ValueError names the file of `sources` that is damaged, incomplete or missing; ConnectionError
    the one that could not be fetched.
    """
    try:
        yield from dataset.as_numpy_iterator()
    except tf.errors.OpError as error:
        if failure := take_failure():
            raise failure from error
        raise ValueError(shown_text(_described(sources, error))) from error


def _described(sources: Sequence[Source], error: tf.errors.OpError) -> str:
    for source in sources:
        splits: Any = tfds.builder_from_directory(source.directory).info.splits
        # Every record has a checksum, so that reading finds the file, at the speed of the disk.
        for file in splits[source.split].file_instructions:
            path = local_file(file.filename)
            if reason := _damage(path):
                if address_of(source.directory):
                    return f"{path} {reason}: delete it, and it is fetched again"
                return f"{path} {reason}: {COPY}"
    reason = (error.message or type(error).__name__).partition("\n")[0][:MAX_REASON]
    directories = " or ".join(str(source.directory) for source in sources)
    names = " or ".join(f"{source.dataset}/{source.split}" for source in sources)
    return (
        f"{directories}: a record of {names} cannot be read, although its file is whole "
        f"({reason}): prepare the dataset again"
    )


def _damage(path: str) -> str:
    number = 0
    try:
        for _ in tf.data.TFRecordDataset(path):
            number += 1
    except tf.errors.NotFoundError:
        return "is missing"
    except tf.errors.DataLossError:
        return f"is damaged in record {number + 1}"
    except tf.errors.OpError as error:
        return f"cannot be read ({type(error).__name__})"
    return ""
