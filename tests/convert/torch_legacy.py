"""Handmade torch files of the format before PyTorch 1.6: pickles in a row, then raw values."""

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.convert.torch_zip import call, dict_of, name, plain, tuple_of

REBUILD = "torch._utils _rebuild_tensor"  # before PyTorch 0.4

MAGIC = 0x1950A86A20F9469CFC6C
LITTLE_ENDIAN = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}


def storage(key: str, num_values: int, *, part: bytes = b"N") -> bytes:
    """Opcodes that refer to a storage on a GPU; `part` of it, None for the whole."""
    reference = (plain("storage"), name("torch FloatStorage"), plain(key), plain("cuda:0"))
    return tuple_of(*reference, plain(num_values), part) + b"Q"


def tensor(storage: bytes, shape: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    return call(name(REBUILD), storage, *map(plain, (0, shape, stride)))


def write(
    path: Path,
    pickled: bytes,
    data: Mapping[str, np.ndarray],
    *,
    protocol: int = 1001,
    machine: Any = LITTLE_ENDIAN,
    keys: Any = None,
) -> Path:
    """A file with the pickle `pickled` and the storages `data`, listed as `keys`."""
    parts = [pickle.dumps(value, protocol=2) for value in (MAGIC, protocol, machine)]
    parts += [b"\x80\x02" + pickled + b".", pickle.dumps(keys or list(data), protocol=2)]
    for values in data.values():
        parts += [struct.pack("<q", values.size), values.tobytes()]
    path.write_bytes(b"".join(parts))
    return path


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> Path:
    """A file that holds a dictionary of `tensors`, float32, each with a storage of its own."""
    data = {str(i): np.ascontiguousarray(x, np.float32) for i, x in enumerate(tensors.values())}
    pickled = {
        key: tensor(storage(number, values.size), values.shape, _strides(values))
        for key, (number, values) in zip(tensors, data.items(), strict=True)
    }
    return write(path, dict_of(pickled), data)


def _strides(values: np.ndarray) -> tuple[int, ...]:
    return tuple(step // values.itemsize for step in values.strides)
