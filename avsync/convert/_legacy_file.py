"""Files of `torch.save` before PyTorch 1.6: pickles in a row, then the raw values of each storage.

A number that marks the format, the version of the protocol, facts of the machine, the contents, the
keys of the storages; then for each key its number of values in 8 bytes, and the values. Old
published models are such files: SyncNet's is of 2017.
"""

import functools
import io
import os
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np

from avsync.convert._pickle_scan import scan
from avsync.convert._tensor import Storage
from avsync.convert._unpickler import Unpickler, brief

# The pickled number 0x1950a86a20f9469cfc6c, after two bytes for the protocol of the pickle.
START = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
PROTOCOL = 1001

COUNT_BYTES = 8


def begins(path: Path) -> bool:
    """Return whether `path` begins like a legacy file."""
    with path.open("rb") as file:
        return file.read(2 + len(START)).endswith(START)


def read(path: Path) -> Any:
    """The contents of a legacy file, with `TorchTensor`s for tensors, whose values are not read.

    Damaged or hostile bytes raise any exception.
    """
    storages = _Storages(path)
    with path.open("rb") as file:
        _load(file, storages)  # the number that marks the format
        protocol = _load(file, storages)
        if protocol != PROTOCOL:
            raise ValueError(f"its protocol is {brief(protocol)}; only {PROTOCOL} can be read")
        machine = _load(file, storages)
        if not isinstance(machine, dict) or machine.get("little_endian") is not True:
            raise ValueError("its byte order is not little-endian, the only one that can be read")
        contents = _load(file, storages)
        storages.locate(file, keys=_load(file, storages))
    return contents


def _load(file: io.BufferedIOBase, storages: "_Storages") -> Any:
    pickled = scan(file, num_bytes=storages.num_bytes - file.tell())
    return Unpickler(pickled, find_storage=storages.find).load()


class _Storages:
    """The storages of a file; where their values begin is known once all pickles are read."""

    def __init__(self, path: Path):
        self._path, self.num_bytes = path, path.stat().st_size
        self._expected: dict[str, tuple[np.dtype, int]] = {}
        self._starts: dict[str, int] = {}

    def find(self, key: str, dtype: np.dtype, num_values: int) -> Storage:
        """The storage `key`; ValueError if it was referred to with another type or size."""
        if self._expected.setdefault(key, (dtype, num_values)) != (dtype, num_values):
            raise ValueError(f"its storage {key} is referred to with two types or sizes")
        open_at = functools.partial(self._open, key)
        return Storage(str(self._path), f"storage {key}", open_at, dtype, num_values)

    def locate(self, file: io.BufferedIOBase, *, keys: Any) -> None:
        """Finds where the values of each storage begin, from the position of `file` on.

        ValueError if a storage that the contents refer to is missing, cut short or of another size.
        """
        if not isinstance(keys, list):
            raise ValueError(f"it lists its storages as a {type(keys).__name__}, not a list")
        for key in keys:
            # Where a storage of an unknown type ends is unknown too.
            if not isinstance(key, str) or key not in self._expected:
                raise ValueError(f"no tensor of a known type refers to its storage {brief(key)}")
            dtype, expected = self._expected[key]
            count = file.read(COUNT_BYTES)
            if len(count) < COUNT_BYTES:
                raise ValueError(f"it is incomplete: it ends before its storage {key}")
            (num_values,) = struct.unpack("<q", count)
            if num_values != expected or num_values < 0:
                raise ValueError(f"its storage {key} has {num_values} values, expected {expected}")
            self._starts[key] = file.tell()
            end = file.seek(num_values * dtype.itemsize, os.SEEK_CUR)
            if end > self.num_bytes:
                raise ValueError(f"it is incomplete: it ends within its storage {key}")
        if missing := sorted(self._expected.keys() - self._starts.keys()):
            raise ValueError(f"its storage {missing[0]} is missing")

    def _open(self, key: str) -> IO[bytes]:
        file = self._path.open("rb")
        file.seek(self._starts[key])
        return file
