"""Reads files of `torch.save` without PyTorch and without running the code pickled in them.

Since PyTorch 1.6 such a file is a zip: `ROOT/data.pkl` is a pickle that names the tensors, and
`ROOT/data/KEY` are their raw values. Files of earlier versions are in `_legacy_file`. Only tensors
and dictionaries are restored; all other names become inert stubs, and nothing is imported:

- Classes of other libraries are accepted, because published checkpoints are full of them. Their
  stubs are an error only where tensors are expected (`state_dict`).
- From the standard library only data types are accepted. A file that names `os.system`, `eval` or
  similar code cannot run it here, but was made to: it is refused.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from avsync.convert import _legacy_file
from avsync.convert._pickle_scan import MAX_BYTES, scan
from avsync.convert._tensor import Storage, TorchTensor, check_member, zip_storage
from avsync.convert._unpickler import Unpickler, brief
from avsync.names import shown_text

MAX_NAMED = 8  # entries that an error names

MAX_ORDER_BYTES = 100  # of the member that names the byte order

# Values of all tensors for each value in the file: published models tie two matrices at most, and
# views of one storage without end would become memory without end.
MAX_VIEWS = 4

ZIP_START, PICKLE_START = b"PK\x03\x04", b"\x80"


def read(path: Path) -> dict[str, Any]:
    """The contents of `path`, with `TorchTensor`s for tensors, whose values are not read.

    ValueError if the file is not one of torch.save (or cut short), names code, has big-endian,
    compressed or missing values, or a tensor that exceeds its storage.
    """
    # First: a legacy file may hold the bytes of a zip by chance.
    try:
        is_legacy = _legacy_file.begins(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if not is_legacy and not zipfile.is_zipfile(path):
        raise ValueError(f"{path} {_why_unknown(path)}")
    try:
        contents = _legacy_file.read(path) if is_legacy else _read_zip(zipfile.ZipFile(path))
        if not isinstance(contents, dict):
            raise ValueError(f"it must hold a dictionary, not {brief(contents)}")
        return contents
    # Hostile or damaged bytes make a pickle raise any exception.
    except Exception as error:
        reason = str(error) or type(error).__name__
        message = f"{path} cannot be read as a file of torch.save: {reason}"
        raise ValueError(shown_text(message)) from error


def state_dict(contents: Mapping[str, Any], *, entry: str) -> dict[str, TorchTensor]:
    """The tensors of `contents[entry]` by name; ValueError if it has anything else."""
    if entry not in contents:
        names = ", ".join(map(brief, list(contents)[:MAX_NAMED])) or "none"
        more = f" and {len(contents) - MAX_NAMED} more" if len(contents) > MAX_NAMED else ""
        raise ValueError(
            f"the file has no entry {entry!r}; it has {names}{more}. Is it a file of another kind?"
        )
    tensors = contents[entry]
    if not isinstance(tensors, dict):
        raise ValueError(f"entry {entry!r} must hold tensors by name, not {brief(tensors)}")
    return only_tensors(tensors, place=f"entry {entry!r}")


def only_tensors(values: Mapping[str, Any], *, place: str = "the file") -> dict[str, TorchTensor]:
    """`values`; ValueError if one is not a tensor. `place` names them in the error."""
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, TorchTensor):
            raise ValueError(f"{place} must hold tensors by name; {brief(name)} is {brief(value)}")
    storages = {tensor.storage.name: tensor.storage for tensor in values.values()}
    num_stored = sum(storage.num_values for storage in storages.values())
    if sum(math.prod(tensor.shape) for tensor in values.values()) > MAX_VIEWS * num_stored:
        raise ValueError(
            f"the tensors of {place} have more than {MAX_VIEWS} times the values that the file "
            "holds for them: they repeat the same values"
        )
    return dict(values)


def _why_unknown(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(len(ZIP_START))
    if start == ZIP_START:
        return "is an incomplete file of torch.save: download it again"
    if start.startswith(PICKLE_START):
        return "is a plain pickle, not a file of torch.save"
    return "is not a file of torch.save: it does not begin like a zip file"


def _read_zip(archive: zipfile.ZipFile) -> Any:
    pickles = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
    if len(pickles) != 1:
        raise ValueError(f"it must have one member ROOT/data.pkl, but has {len(pickles)}")
    root = pickles[0].removesuffix("/data.pkl")
    if f"{root}/byteorder" in archive.namelist():
        order = _read_member(archive, f"{root}/byteorder", max_bytes=MAX_ORDER_BYTES)
        if order != b"little":
            raise ValueError(f"its byte order is {order!r:.20}; only b'little' can be read")

    def find_storage(key: str, dtype: np.dtype, num_values: int) -> Storage:
        member = f"{root}/data/{key}"
        return zip_storage(archive, member, dtype=dtype, num_values=num_values)

    pickled = _read_member(archive, pickles[0], max_bytes=MAX_BYTES)
    pickled = scan(io.BytesIO(pickled), num_bytes=len(pickled))
    return Unpickler(pickled, find_storage=find_storage).load()


def _read_member(archive: zipfile.ZipFile, member: str, *, max_bytes: int) -> bytes:
    check_member(archive, member)
    if archive.getinfo(member).file_size > max_bytes:
        raise ValueError(f"its member {member} has more than {max_bytes:,} bytes")
    return archive.read(member)
