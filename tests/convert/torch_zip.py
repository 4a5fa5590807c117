"""Handmade torch files: pickles assembled from opcodes, beside raw bytes."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

REBUILD = "torch._utils _rebuild_tensor_v2"


def plain(value: Any) -> bytes:
    """Opcodes that push a value of Python's own types; without the protocol and the stop."""
    return pickle.dumps(value, protocol=2)[2:-1]


def name(full_name: str) -> bytes:
    """Opcodes that push the object called "module name"."""
    module, attribute = full_name.split()
    return f"c{module}\n{attribute}\n".encode()


def tuple_of(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + tuple_of(*arguments) + b"R"


def dict_of(items: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(plain(key) + value for key, value in items.items()) + b"u"


def set_state(target: bytes, state: bytes) -> bytes:
    return target + state + b"b"


def storage(key: str, num_values: int, kind: str = "FloatStorage") -> bytes:
    reference = tuple_of(
        plain("storage"), name(f"torch {kind}"), plain(key), plain("cpu"), plain(num_values)
    )
    return reference + b"Q"


def tensor(
    storage: bytes, shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0
) -> bytes:
    hooks = call(name("collections OrderedDict"))
    return call(name(REBUILD), storage, *map(plain, (offset, shape, stride, False)), hooks)


def arrays(state: Mapping[str, np.ndarray]) -> tuple[bytes, dict[str, bytes]]:
    """Opcodes that push a dictionary of float32 tensors, and the storages that hold their values.

    Write the storages as `data`.
    """
    tensors, data = {}, {}
    for number, (key, array) in enumerate(state.items()):
        array = np.ascontiguousarray(array, np.float32)
        strides = tuple(stride // array.itemsize for stride in array.strides)
        tensors[key] = tensor(storage(str(number), array.size), array.shape, strides)
        data[str(number)] = array.tobytes()
    return dict_of(tensors), data


def write(
    path: Path,
    pickled: bytes,
    data: Mapping[str, bytes] | None = None,
    *,
    byteorder: bytes | None = b"little",
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """A file with the pickle `pickled` and the storages `data`."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + pickled + b".")
        if byteorder is not None:
            archive.writestr("archive/byteorder", byteorder)
        for key, values in (data or {}).items():
            archive.writestr(f"archive/data/{key}", values)
    return path


def cut(path: Path, num_bytes: int) -> Path:
    """Cuts `num_bytes` off the end of `path`."""
    path.write_bytes(path.read_bytes()[:-num_bytes])
    return path
