"""Tensors in the zip of a torch file: views of its members, read when asked for."""

import dataclasses
import math
import zipfile
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

# PyTorch's names of its storages, which tell the type of the values.
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


class Storage(NamedTuple):
    """The values that one or more tensors show: a member of the zip, uncompressed."""

    archive: zipfile.ZipFile
    member: str
    dtype: np.dtype
    num_values: int


@dataclasses.dataclass(frozen=True, eq=False)
class TorchTensor:
    """A tensor in a file; its values are read when asked for, each time anew.

    Attributes:
      shape: () for a scalar.
      stride: in values, as PyTorch counts.
      offset: where in the storage the first value stands.
      storage: what it is a view of; its file stays open as long as a tensor of it lives.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    storage: Storage

    def __post_init__(self) -> None:
        """Raises ValueError if the tensor shows anything but values of its storage."""
        view = f"shape {self.shape}, stride {self.stride} and offset {self.offset}"[:300]
        numbers = (*self.shape, *self.stride, self.offset)
        if len(self.shape) != len(self.stride) or not all(
            isinstance(number, int) and number >= 0 for number in numbers
        ):
            raise ValueError(f"a tensor with {view}; needed: both for each axis, none below 0")
        # Bounds both ways: where the last value stands, and how often a stride of 0 repeats one.
        num_needed = max(self.offset + self._num_spanned(), math.prod(self.shape))
        if num_needed > self.storage.num_values:
            raise ValueError(
                f"a tensor with {view} needs {num_needed} values, but its storage "
                f"{self.storage.member} has {self.storage.num_values}"
            )

    @property
    def dtype(self) -> np.dtype:
        """Of the array that `numpy` returns."""
        return self.storage.dtype

    def numpy(self) -> np.ndarray:
        """The values, read-only; takes the memory of the stretch of storage that they span.

        ValueError if they cannot be read, or are not what was written; the latter is checked
        where all of the storage is read.
        """
        values = _read(self.storage, self.offset, self._num_spanned())
        strides = [step * self.dtype.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides, writeable=False)

    def _num_spanned(self) -> int:
        """How many values lie from the first to the last; 0 if there is none."""
        steps = zip(self.shape, self.stride, strict=True)
        return 1 + sum((size - 1) * step for size, step in steps) if math.prod(self.shape) else 0

    def __setstate__(self, state: Any) -> None:
        """A pickle could move a tensor after its bounds were checked; an honest one never does."""
        raise ValueError("it changes a tensor that is already made")


def check_member(archive: zipfile.ZipFile, member: str, *, num_bytes: int | None = None) -> None:
    """Raises ValueError if there is no such member, or it is compressed or of another size."""
    try:
        info = archive.getinfo(member)
    except KeyError as error:
        raise ValueError(f"its member {member} is missing") from error
    # PyTorch never compresses; a file that does may have been made to fill the memory.
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise ValueError(f"its member {member} is compressed; PyTorch stores values as they are")
    if num_bytes is not None and info.file_size != num_bytes:
        raise ValueError(f"its member {member} has {info.file_size} bytes instead of {num_bytes}")


def _read(storage: Storage, offset: int, num_values: int) -> np.ndarray:
    position = 0
    try:
        with storage.archive.open(storage.member) as member:
            # First, as a zip member may seek by reading, which would come on top of the values.
            member.seek(offset * storage.dtype.itemsize)
            values = np.empty(num_values, storage.dtype)
            target = values.view(np.uint8)
            # In pieces: what a zip member reads at once is in memory twice.
            while position < len(target):
                piece = member.read(min(CHUNK_BYTES, len(target) - position))
                if not piece:
                    raise EOFError("it ends early")
                target[position : position + len(piece)] = np.frombuffer(piece, np.uint8)
                position += len(piece)
    except (zipfile.BadZipFile, EOFError, RuntimeError, OSError) as error:
        path = storage.archive.filename
        raise ValueError(f"{path}: {storage.member} cannot be read: {error}") from error
    return values
