"""The pickle of a torch file, run by a machine that can name tensors and dictionaries only.

A pickle is a program that calls whatever it can name. Here every name but three is an inert stub
and none is ever imported, so that whatever is called does nothing.
"""

import io
import pickle
import sys
import zipfile
from typing import Any

from avsync.convert._tensor import STORAGE_DTYPES, Storage, TorchTensor, check_member

# What of Python's own library stands in honest files: modules of plain values, types of builtins.
DATA_MODULES = {
    *("_codecs", "argparse", "collections", "copyreg", "datetime", "decimal", "enum"),
    *("fractions", "pathlib", "uuid"),
}
BUILTINS = {"builtins", "__builtin__"}  # the second in Python 2, and so in pickle protocol 2
DATA_BUILTINS = {
    *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"),
    *("long", "object", "range", "set", "slice", "str", "tuple", "unicode", "xrange"),
}


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


class Unpickler(pickle.Unpickler):
    """Loads the pickle `data`, whose tensors lie in `archive` below `root`.

    Raises ValueError for a name of Python's own library that is no data, and for tensors that are
    not in the archive; damaged pickles raise anything.
    """

    def __init__(self, data: bytes, *, archive: zipfile.ZipFile, root: str):
        super().__init__(io.BytesIO(data))
        self._archive, self._root = archive, root
        self._stubs: dict[str, type[Stub]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What the pickle gets when it names `module.name`."""
        origin = f"{module}.{name}"
        if origin == "collections.OrderedDict":
            return _Dictionary
        if origin == "torch._utils._rebuild_tensor_v2":
            return self._make_tensor
        if origin == "torch._utils._rebuild_parameter":
            return self._make_parameter
        _refuse_code(module, name)
        if origin not in self._stubs:
            self._stubs[origin] = type("Stub", (Stub,), {"origin": origin})
        return self._stubs[origin]

    def persistent_load(self, pid: Any) -> Storage | Stub:
        """What the pickle gets for data that is kept outside of it."""
        match pid:
            case ("storage", type(origin=origin) as kind, str(key), str(), int(num_values)):
                if origin not in STORAGE_DTYPES:
                    return kind()
                member, dtype = f"{self._root}/data/{key}", STORAGE_DTYPES[origin]
                check_member(self._archive, member, num_bytes=num_values * dtype.itemsize)
                return Storage(self._archive, member, dtype, num_values)
        raise ValueError(f"it refers to data in an unknown way: {pid!r:.200}")

    # Methods, not functions: a pickle can set attributes of what it gets, but none of a method's.

    def _make_tensor(
        self, storage: Any, offset: Any, shape: Any, stride: Any, *_: Any
    ) -> TorchTensor | Stub:
        if isinstance(storage, Stub):  # of a type that PyTorch stores, but no weights
            return storage
        if not isinstance(storage, Storage):
            raise ValueError(f"it makes a tensor of {type(storage).__name__}, which is no storage")
        return TorchTensor(tuple(shape), tuple(stride), offset, storage)

    def _make_parameter(self, tensor: Any, *_: Any) -> Any:
        return tensor


class _Dictionary(dict):
    """For OrderedDict: PyTorch hangs metadata on a state dict, which is dropped."""

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
