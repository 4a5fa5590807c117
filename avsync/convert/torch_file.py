"""Reads files of `torch.save` without PyTorch and without running the code pickled in them.

Since PyTorch 1.6 such a file is a zip: `ROOT/data.pkl` is a pickle that names the tensors, and
`ROOT/data/KEY` are their raw values. Only tensors and dictionaries are restored; all other names
become inert stubs, and nothing is imported:

- Classes of other libraries are accepted, because published checkpoints are full of them. Their
  stubs are an error only where tensors are expected (`state_dict`).
- From the standard library only data types are accepted. A file that names `os.system`, `eval` or
  similar code cannot run it here, but was made to: it is refused.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avsync.convert._tensor import TorchTensor, check_member
from avsync.convert._unpickler import Stub, Unpickler

ZIP_START, PICKLE_START = b"PK\x03\x04", b"\x80"
# Before PyTorch 1.6 files began with the pickled number 0x1950a86a20f9469cfc6c, after two bytes for
# the protocol.
LEGACY_START = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def read(path: Path) -> dict[str, Any]:
    """The contents of `path`, with `TorchTensor`s for tensors, whose values are not read.

    ValueError if the file is not a zip file of PyTorch (or cut short, or older than 1.6), names
    code, has big-endian, compressed or missing values, or a tensor that exceeds its storage.
    """
    with path.open("rb") as file:
        start = file.read(2 + len(LEGACY_START))
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} {_why_no_zip(start)}")
    try:
        return _unpickle(zipfile.ZipFile(path))
    # Hostile or damaged bytes make a pickle raise any exception.
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a file of torch.save: {error}") from error


def state_dict(contents: Mapping[str, Any], *, entry: str) -> dict[str, TorchTensor]:
    """The tensors of `contents[entry]` by name; ValueError if it has anything else."""
    if entry not in contents:
        raise ValueError(
            f"the file has no entry {entry!r}; it has {', '.join(map(repr, contents)) or 'none'}"
        )
    tensors = contents[entry]
    if not isinstance(tensors, dict):
        raise ValueError(f"entry {entry!r} must hold tensors by name, not {_kind(tensors)}")
    for name, value in tensors.items():
        if not isinstance(value, TorchTensor):
            raise ValueError(f"entry {entry!r} must hold tensors; {name!r} is {_kind(value)}")
    return tensors


def _why_no_zip(start: bytes) -> str:
    if start.startswith(ZIP_START):
        return "is an incomplete file of torch.save: download it again"
    if start.endswith(LEGACY_START):
        return (
            "was saved by PyTorch before 1.6; only the zip files of later versions can be read. If "
            "you trust it, convert it with PyTorch: torch.save(torch.load(old), new)"
        )
    if start.startswith(PICKLE_START):
        return "is a plain pickle, not a file of torch.save"
    return "is not a file of torch.save: it does not begin like a zip file"


def _unpickle(archive: zipfile.ZipFile) -> dict[str, Any]:
    pickles = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
    if len(pickles) != 1:
        raise ValueError(f"it must have one member ROOT/data.pkl, but has {len(pickles)}")
    root = pickles[0].removesuffix("/data.pkl")
    if f"{root}/byteorder" in archive.namelist():
        order = _read_member(archive, f"{root}/byteorder")
        if order != b"little":
            raise ValueError(f"its byte order is {order!r:.20}; only b'little' can be read")
    contents = Unpickler(_read_member(archive, pickles[0]), archive=archive, root=root).load()
    if not isinstance(contents, dict):
        raise ValueError(f"it must hold a dictionary, not {_kind(contents)}")
    return contents


def _read_member(archive: zipfile.ZipFile, member: str) -> bytes:
    check_member(archive, member)
    return archive.read(member)


def _kind(value: Any) -> str:
    return repr(value) if isinstance(value, Stub) else f"a {type(value).__name__}"
