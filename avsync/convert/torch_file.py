"""Files of `torch.save`, read without PyTorch and without running what is pickled in them.

A file since PyTorch 1.6 is a zip: `<root>/data.pkl`, a pickle that names its tensors, and
`<root>/data/<key>`, their values as raw bytes. A pickle is a program that may call whatever it can
name, so this one can name nothing: tensors become handles, ordered dictionaries become
dictionaries, and every other class or function, whatever its name, becomes an inert `Stub`. No name
is ever imported. Two rules follow from that:

- Classes of other libraries are welcome (published checkpoints are full of them): their stubs lie
  where the objects would, and are an error only where a tensor was needed (`state_dict`).
- Of Python's own library only what holds data is welcome. A file that names `os.system`, `eval` or
  the like would not get to run it, but was made to: it is refused as a whole.
"""

import dataclasses
import io
import math
import pickle
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

# PyTorch's names of its storages, which tell the type of the values; always little-endian here.
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

# What of Python's own library stands in honest files: modules of plain values, types of builtins.
DATA_MODULES = {
    *("_codecs", "argparse", "collections", "copyreg", "datetime", "decimal", "enum"),
    *("fractions", "pathlib", "uuid"),
}
BUILTINS = {"builtins", "__builtin__"}  # the second as Python 2 and pickle protocol 2 call it
DATA_BUILTINS = {
    *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"),
    *("long", "object", "range", "set", "slice", "str", "tuple", "unicode", "xrange"),
}

ZIP_START, PICKLE_START = b"PK\x03\x04", b"\x80"
# A pickled long, 0x1950a86a20f9469cfc6c: how files before PyTorch 1.6 begin, after the protocol.
LEGACY_START = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

CHUNK_BYTES = 1 << 20


class Stub:
    """Stands for an object of a class that is not known here; takes everything, does nothing.

    Attributes:
      origin: the full name of the class or function, "fairseq.data.dictionary.Dictionary".
      state: what the object would have been restored from, mostly its attributes; None if none.
    """

    origin = ""
    state: Any = None

    def __new__(cls, *_: Any, **__: Any) -> "Stub":
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        """Its arguments are dropped."""

    def __repr__(self) -> str:
        return f"<stub of {self.origin}>"

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """A dictionary's items are dropped."""

    def append(self, item: Any) -> None:
        """A list's items are dropped."""

    def extend(self, items: Any) -> None:
        """A list's items are dropped."""

    def add(self, item: Any) -> None:
        """A set's items are dropped."""


class Storage(NamedTuple):
    """The values that one or more tensors show, in a member of the zip."""

    archive: zipfile.ZipFile
    member: str
    dtype: np.dtype
    num_values: int


@dataclasses.dataclass(frozen=True, eq=False)
class TorchTensor:
    """A tensor in a file; its values are read when asked for, each time anew.

    Attributes:
      shape: () for a scalar.
      dtype: of the array that `numpy` returns.
      stride: in values, as PyTorch counts.
      offset: where in the storage the first value stands.
      storage: what it is a view of. Its file stays open as long as a tensor of it lives.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    storage: Storage

    @property
    def dtype(self) -> np.dtype:
        return self.storage.dtype

    def numpy(self) -> np.ndarray:
        """The values, read-only; takes the memory of the stretch of storage that they span.

        ValueError if they cannot be read or are not what was written (checked where the whole
        storage is read).
        """
        num_values = _span(self.shape, self.stride)
        values = _read_values(self.storage, self.offset, num_values)
        strides = [step * self.dtype.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides, writeable=False)

    def __setstate__(self, state: Any) -> None:
        """A pickle could change a tensor after its bounds were checked; none has a reason to."""
        raise ValueError("it changes a tensor that is already made")


def read(path: Path) -> dict[str, Any]:
    """What was saved in `path`, with `TorchTensor`s for tensors; no value of them is read.

    ValueError tells what is wrong: no zip file of PyTorch (or one cut short, or of before 1.6),
    big-endian, compressed or missing data, a tensor that leaves its storage, a name of code.
    """
    with path.open("rb") as file:
        start = file.read(len(LEGACY_START) + 2)
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path}: {_why_no_zip(start)}") from error
    try:
        contents = _unpickle(archive)
    # Hostile or damaged bytes make a pickle fail in any way: every kind of error is the file's.
    except Exception as error:
        archive.close()
        raise ValueError(f"{path} cannot be read as a file of torch.save: {error}") from error
    return contents


def state_dict(contents: Mapping[str, Any], *, entry: str) -> dict[str, TorchTensor]:
    """The tensors of `contents[entry]` by name; ValueError if it is anything but tensors."""
    if entry not in contents:
        raise ValueError(f"it has no entry {entry!r}; its entries: {', '.join(map(str, contents))}")
    tensors = contents[entry]
    if not isinstance(tensors, dict):
        raise ValueError(f"its entry {entry!r} must hold tensors by name, not {tensors!r:.200}")
    for name, value in tensors.items():
        if not isinstance(value, TorchTensor):
            raise ValueError(f"{entry!r} must hold tensors alone, but {name!r} is {value!r:.200}")
    return tensors


def _why_no_zip(start: bytes) -> str:
    if start.startswith(ZIP_START):
        return "begins like a file of torch.save, but its end is missing; download it again"
    if start[2:].startswith(LEGACY_START):
        return (
            "was saved by PyTorch before 1.6, or in its format; only zip files can be read. "
            "Where you trust it, PyTorch rewrites it: torch.save(torch.load(old), new)"
        )
    if start.startswith(PICKLE_START):
        return "is a plain pickle, not a file of torch.save"
    return "is no file of torch.save: it does not begin like a zip file"


def _unpickle(archive: zipfile.ZipFile) -> dict[str, Any]:
    roots = [name[: -len("/data.pkl")] for name in archive.namelist() if _is_pickle(name)]
    if len(roots) != 1:
        raise ValueError(f"it must have one member ROOT/data.pkl, and has {len(roots)}")
    if f"{roots[0]}/byteorder" in archive.namelist():
        order = _read_member(archive, f"{roots[0]}/byteorder")
        if order != b"little":
            raise ValueError(f"its byte order is {order!r:.20}; only b'little' can be read")
    data = _read_member(archive, f"{roots[0]}/data.pkl")
    contents = _Unpickler(io.BytesIO(data), archive, roots[0]).load()
    if not isinstance(contents, dict):
        raise ValueError(f"it must hold a dictionary, not {contents!r:.200}")
    return contents


def _is_pickle(name: str) -> bool:
    return name.endswith("/data.pkl") and name.count("/") == 1


class _Unpickler(pickle.Unpickler):
    """Knows tensors and dictionaries; all else that a pickle can name is a stub."""

    def __init__(self, data: io.BytesIO, archive: zipfile.ZipFile, root: str):
        super().__init__(data)
        self._archive, self._root = archive, root
        self._stubs: dict[str, type[Stub]] = {}

    def find_class(self, module: str, name: str) -> Any:
        origin = f"{module}.{name}"
        if origin == "collections.OrderedDict":
            return _Dictionary
        if origin == "torch._utils._rebuild_tensor_v2":
            return _make_tensor
        if origin == "torch._utils._rebuild_parameter":
            return _make_parameter
        _refuse_code(module, name)
        if origin not in self._stubs:
            self._stubs[origin] = type("Stub", (Stub,), {"origin": origin})
        return self._stubs[origin]

    def persistent_load(self, pid: Any) -> Storage | Stub:
        match pid:
            case ("storage", type() as kind, str(key), str(), int(num_values)) if issubclass(
                kind, Stub
            ):
                if kind.origin not in STORAGE_DTYPES:
                    return kind()
                member = f"{self._root}/data/{key}"
                dtype = STORAGE_DTYPES[kind.origin]
                _check_size(self._archive, member, num_values * dtype.itemsize)
                return Storage(self._archive, member, dtype, num_values)
        raise ValueError(f"it refers to data in an unknown way: {pid!r:.200}")


class _Dictionary(dict):
    """For OrderedDict: torch hangs metadata on the state dict, which is dropped."""

    def __setstate__(self, state: Any) -> None:
        del state


def _refuse_code(module: str, name: str) -> None:
    top = module.partition(".")[0]
    is_data = name in DATA_BUILTINS if top in BUILTINS else top in DATA_MODULES
    if (top in sys.stdlib_module_names or top in BUILTINS) and not is_data:
        raise ValueError(
            f"it calls for {module}.{name}, which is code and not data. Nothing was run; weights "
            "need no code, so do not trust this file"
        )


def _make_tensor(
    storage: Storage | Stub, offset: int, shape: tuple, stride: tuple, *_: Any
) -> TorchTensor | Stub:
    if isinstance(storage, Stub):  # of a type of values that nothing of ours is stored in
        return storage
    numbers = (offset, *shape, *stride)
    if not isinstance(storage, Storage) or len(shape) != len(stride):
        raise ValueError(f"a tensor of shape {shape!r:.100} has no storage or stride of its own")
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise ValueError(f"a tensor has the shape {shape}, stride {stride} and offset {offset}")
    # Bounds both ways: where the last value stands, and how often a stride of 0 repeats one.
    num_needed = max(offset + _span(shape, stride), math.prod(shape))
    if num_needed > storage.num_values:
        raise ValueError(
            f"a tensor of shape {shape}, stride {stride} and offset {offset} needs {num_needed} "
            f"values; its storage {storage.member} has {storage.num_values}"
        )
    return TorchTensor(tuple(shape), tuple(stride), offset, storage)


def _make_parameter(tensor: TorchTensor | Stub, *_: Any) -> TorchTensor | Stub:
    return tensor


def _span(shape: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """How many values lie from a tensor's first to its last; 0 if it is empty."""
    steps = zip(shape, stride, strict=True)
    return 1 + sum((size - 1) * step for size, step in steps) if math.prod(shape) else 0


def _check_size(archive: zipfile.ZipFile, member: str, num_bytes: int) -> None:
    try:
        info = archive.getinfo(member)
    except KeyError as error:
        raise ValueError(f"its member {member} is missing") from error
    # Torch never compresses; a file that does may be made to fill the memory.
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise ValueError(f"its member {member} is compressed")
    if info.file_size != num_bytes:
        raise ValueError(f"its member {member} has {info.file_size} bytes instead of {num_bytes}")


def _read_member(archive: zipfile.ZipFile, member: str) -> bytes:
    _check_size(archive, member, archive.getinfo(member).file_size)
    return archive.read(member)


def _read_values(storage: Storage, offset: int, num_values: int) -> np.ndarray:
    values = np.empty(num_values, storage.dtype)
    target = values.view(np.uint8)
    position = 0
    try:
        with storage.archive.open(storage.member) as member:
            member.seek(offset * storage.dtype.itemsize)
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
