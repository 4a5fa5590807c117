"""Tensors in a torch file: views of its storages, read on demand."""

import dataclasses
import functools
import math
import os
import zipfile
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import ml_dtypes
import numpy as np

# Data types by PyTorch's names of its storages.
STORAGE_DTYPES = {
    "torch.BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "torch.HalfStorage": np.dtype("<f2"),
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.DoubleStorage": np.dtype("<f8"),
    "torch.CharStorage": np.dtype("i1"),
    "torch.ShortStorage": np.dtype("<i2"),
    "torch.IntStorage": np.dtype("<i4"),
    "torch.LongStorage": np.dtype("<i8"),
    "torch.ByteStorage": np.dtype("u1"),
    "torch.BoolStorage": np.dtype("?"),
}

CHUNK_BYTES = 1 << 20

MAX_AXES = 32  # more than any layer has; NumPy's own limit is 64
MAX_NUMBER = 1 << 63  # PyTorch's sizes have 64 bits


class Storage(NamedTuple):
    """The values behind one or more tensors, stored in one piece.

    path, name: the file and the piece, for errors.
    open: returns a seekable file at the first value; the caller closes it.
    """

    path: str
    name: str
    open: Callable[[], IO[bytes]]
    dtype: np.dtype
    num_values: int


@dataclasses.dataclass(frozen=True, eq=False)
class TorchTensor:
    """A tensor in a file; every call of `numpy` reads its values again.

    Attributes:
      shape: () for a scalar.
      stride: in values, as in PyTorch.
      offset: index of the first value in the storage.
      storage: the values that the tensor is a view of; its file stays open as long as the tensor.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    storage: Storage

    def __post_init__(self) -> None:
        """Raises ValueError if the tensor reaches beyond its storage."""
        numbers = (*self.shape, *self.stride, self.offset)
        # First: products of thousands of large numbers take hours.
        if len(self.shape) > MAX_AXES or not all(
            isinstance(number, int) and abs(number) < MAX_NUMBER for number in numbers
        ):
            raise ValueError(
                f"a tensor of {len(self.shape)} axes, or with sizes that are no integers below "
                f"2^63; at most {MAX_AXES} axes are allowed"
            )
        view = f"shape {self.shape}, stride {self.stride} and offset {self.offset}"[:300]
        if len(self.shape) != len(self.stride) or min(numbers) < 0:
            raise ValueError(f"a tensor with {view}; expected one value per axis, none below 0")
        # Bounds the index of the last value, and the repetitions that a stride of 0 makes.
        num_needed = max(self.offset + self._num_spanned(), math.prod(self.shape))
        if num_needed > self.storage.num_values:
            raise ValueError(
                f"a tensor with {view} needs {num_needed} values, but {self.storage.name} "
                f"has {self.storage.num_values}"
            )

    @property
    def dtype(self) -> np.dtype:
        """The data type of the values."""
        return self.storage.dtype

    def numpy(self) -> np.ndarray:
        """The values, read-only; takes the memory of the part of the storage that they span.

        ValueError if they cannot be read or are damaged; damage is detected if the whole storage
        is read.
        """
        values = _read(self.storage, self.offset, self._num_spanned())
        strides = [step * self.dtype.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides, writeable=False)

    def _num_spanned(self) -> int:
        """Number of values in the storage from the first to the last; 0 for an empty tensor."""
        steps = zip(self.shape, self.stride, strict=True)
        return 1 + sum((size - 1) * step for size, step in steps) if math.prod(self.shape) else 0

    def __setstate__(self, state: Any) -> None:
        """Refuses to change a tensor whose bounds were checked; no honest pickle does that."""
        raise ValueError("it changes a tensor that already exists")


def zip_storage(
    archive: zipfile.ZipFile, member: str, *, dtype: np.dtype, num_values: int
) -> Storage:
    """The storage in a member of a zip; ValueError if it is missing, compressed, or cut short."""
    check_member(archive, member, num_bytes=num_values * dtype.itemsize)
    open_member = functools.partial(archive.open, member)
    return Storage(str(archive.filename), member, open_member, dtype, num_values)


def check_member(archive: zipfile.ZipFile, member: str, *, num_bytes: int | None = None) -> None:
    """Raises ValueError if the member is missing, compressed, or of another size."""
    try:
        info = archive.getinfo(member)
    except KeyError as error:
        raise ValueError(f"its member {member} is missing") from error
    # PyTorch never compresses; a compressed file may be a zip bomb. Beyond the end of the file,
    # reading would make room for all that is stated.
    end = info.header_offset + info.compress_size
    if archive.fp is None or end > os.fstat(archive.fp.fileno()).st_size:
        raise ValueError(f"its member {member} ends beyond the file")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise ValueError(f"its member {member} is compressed; PyTorch stores values uncompressed")
    if num_bytes is not None and info.file_size != num_bytes:
        raise ValueError(f"its member {member} has {info.file_size} bytes, expected {num_bytes}")


def _read(storage: Storage, offset: int, num_values: int) -> np.ndarray:
    position = 0
    try:
        with storage.open() as member:
            # Before allocating: a zip member may seek by reading into memory.
            member.seek(offset * storage.dtype.itemsize, os.SEEK_CUR)
            values = np.empty(num_values, storage.dtype)
            target = values.view(np.uint8)
            # In chunks: a zip member holds what it reads at once in memory twice.
            while position < len(target):
                chunk = member.read(min(CHUNK_BYTES, len(target) - position))
                if not chunk:
                    raise EOFError("it is cut short")
                target[position : position + len(chunk)] = np.frombuffer(chunk, np.uint8)
                position += len(chunk)
    except (zipfile.BadZipFile, EOFError, RuntimeError, OSError) as error:
        raise ValueError(f"{storage.path}: {storage.name} cannot be read: {error}") from error
    return values
