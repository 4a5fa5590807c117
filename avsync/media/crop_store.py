"""A buffer for mouth crops: in memory while they are few, in a temporary file beyond that."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
from jaxtyping import UInt8

from avsync.processes import JobError
from avsync.units import CROP_PIXELS, FRAMES_PER_SECOND

CROP_BYTES = CROP_PIXELS**2

# 5 min of one face, 69 MB. An hour is 0.8 GB, and several faces would not fit in memory.
MAX_BYTES_IN_MEMORY = 5 * 60 * FRAMES_PER_SECOND * CROP_BYTES


@contextlib.contextmanager
def open_store() -> Iterator["CropStore"]:
    """Yields an empty store; its content is discarded at the end."""
    with tempfile.SpooledTemporaryFile(max_size=MAX_BYTES_IN_MEMORY) as file:
        yield CropStore(file)


class CropStore:
    """Crops of any number of faces, addressed by their place, in a file."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._num_crops = 0

    def add(self, crops: UInt8[np.ndarray, "t 96 96 1"]) -> range:
        """Stores crops; returns their places."""
        with _named():
            self._file.seek(self._num_crops * CROP_BYTES)
            self._file.write(crops.tobytes())
            self._file.flush()
        places = range(self._num_crops, self._num_crops + len(crops))
        self._num_crops = places.stop
        return places

    def detach(self) -> IO[bytes]:
        """The same file, open once more and without a name, also after this store is closed."""
        assert isinstance(self._file, tempfile.SpooledTemporaryFile)
        with _named():
            return os.fdopen(os.dup(self._file.fileno()), "rb")  # moves crops in memory to disk

    def read(self, places: Sequence[int]) -> UInt8[np.ndarray, "t 96 96 1"]:
        """Returns the crops at these places, in this order."""
        crops = np.empty((len(places), CROP_PIXELS, CROP_PIXELS, 1), np.uint8)
        for crop, place in zip(crops, places, strict=True):
            self._file.seek(place * CROP_BYTES)
            crop.reshape(-1)[:] = np.frombuffer(self._file.read(CROP_BYTES), np.uint8)
        return crops


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """Raises `JobError` for an OSError, which is no fault of the file whose crops are buffered.

    Were it rejected, every other long file would be too, and stay so in later runs.
    """
    try:
        yield
    except OSError as error:
        place = tempfile.tempdir or os.environ.get("TMPDIR", "the temporary folder")
        reason = error.strerror or error
        raise JobError(
            f"cannot buffer mouth crops in {place}: {reason}; set TMPDIR to a folder with space"
        ) from error
