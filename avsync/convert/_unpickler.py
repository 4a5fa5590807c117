"""Runs the pickle of a torch file, in which only tensors and dictionaries have a meaning.

A pickle is a program that calls whatever it can name. Here every name but four stands for an inert
stub and nothing is ever imported, so calls do nothing.
"""

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from avsync.convert._tensor import STORAGE_DTYPES, Storage, TorchTensor

# Names of the standard library that occur in honest files: modules of plain values, and types.
DATA_MODULES = {
    *("_codecs", "argparse", "collections", "copyreg", "datetime", "decimal", "enum"),
    *("fractions", "pathlib", "uuid"),
}
BUILTINS = {"builtins", "__builtin__"}  # the latter in Python 2, and so in pickle protocol 2
DATA_BUILTINS = {
    *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"),
    *("long", "object", "range", "set", "slice", "str", "tuple", "unicode", "xrange"),
}

MAX_SHOWN = 200  # characters of a value in a message

# The function that makes a tensor; the first name is that of PyTorch before 0.4.
REBUILD_TENSOR = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"}


class Stub:
    """Replaces an object of an unknown class: it accepts every call and does nothing.

    Attributes:
      origin: full name of the class or function, such as "fairseq.data.dictionary.Dictionary".
      state: what the object would have been restored from, mostly its attributes, or None.
    """

    origin = ""
    state: Any = None

    def __new__(cls, *_: Any, **__: Any) -> "Stub":
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        """Drops its arguments."""

    def __repr__(self) -> str:
        return f"<stub of {self.origin[:MAX_SHOWN]}>"

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Drops the item of a dictionary."""

    def append(self, item: Any) -> None:
        """Drops the item of a list."""

    def extend(self, items: Any) -> None:
        """Drops the items of a list."""

    def add(self, item: Any) -> None:
        """Drops the item of a set."""


# (key, dtype, num_values) -> the storage that has this key in the file.
FindStorage = Callable[[str, np.dtype, int], Storage]


class Unpickler(pickle.Unpickler):
    """Loads the pickle `pickled`, which `_pickle_scan` has found harmless.

    Raises ValueError for names of the standard library that are not data, and what `find_storage`
    raises for tensors that are not in the file; damaged pickles raise any exception.
    """

    def __init__(self, pickled: bytes, *, find_storage: FindStorage):
        super().__init__(io.BytesIO(pickled))
        self._find_storage = find_storage
        self._stubs: dict[str, type[Stub]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The object that `module.name` stands for in the pickle."""
        origin = f"{module}.{name}"
        if origin == "collections.OrderedDict":
            return _Dictionary
        if origin in REBUILD_TENSOR:
            return self._make_tensor
        if origin == "torch._utils._rebuild_parameter":
            return self._make_parameter
        _refuse_code(module, name)
        if origin not in self._stubs:
            self._stubs[origin] = type("Stub", (Stub,), {"origin": origin})
        return self._stubs[origin]

    def persistent_load(self, pid: Any) -> Storage | Stub:
        """The object that a reference to data outside the pickle stands for."""
        match pid:
            # Files of PyTorch before 1.6 add the part that is meant, or None for the whole storage.
            case ("storage", type(origin=origin) as kind, str(key), str(), int(size), *part) if (
                part in ([], [None])
            ):
                if origin not in STORAGE_DTYPES:
                    return kind()
                return self._find_storage(key, STORAGE_DTYPES[origin], size)
        parts = map(brief, pid) if isinstance(pid, tuple) else [brief(pid)]
        raise ValueError(f"it refers to data in an unknown way: {', '.join(parts)}"[:MAX_SHOWN])

    # Methods, not functions: a pickle can set attributes of functions, but not of methods.

    def _make_tensor(
        self, storage: Any, offset: Any, shape: Any, stride: Any, *_: Any
    ) -> TorchTensor | Stub:
        if isinstance(storage, Stub):  # of a data type that no weights have
            return storage
        if not isinstance(storage, Storage):
            raise ValueError(f"it makes a tensor of {brief(storage)}, which is not a storage")
        return TorchTensor(tuple(shape), tuple(stride), offset, storage)

    def _make_parameter(self, tensor: Any, *_: Any) -> TorchTensor | Stub:
        if not isinstance(tensor, TorchTensor | Stub):
            raise ValueError(f"it makes a parameter of {brief(tensor)}, which is not a tensor")
        return tensor


class _Dictionary(dict):
    """Replaces OrderedDict; drops the metadata that PyTorch attaches to a state dict."""

    def __setstate__(self, state: Any) -> None:
        del state


def brief(value: Any) -> str:
    """The value of a pickle for a message; of containers, which may nest endlessly, the kind."""
    # Python refuses to write larger integers.
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "an integer of more than 64 bits"
    if value is None or isinstance(value, bool | int | float | str | bytes | Stub):
        return repr(value)[:MAX_SHOWN]
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _refuse_code(module: str, name: str) -> None:
    top = module.partition(".")[0]
    is_data = name in DATA_BUILTINS if top in BUILTINS else top in DATA_MODULES
    if (top in sys.stdlib_module_names or top in BUILTINS) and not is_data:
        raise ValueError(
            f"it names {f'{module}.{name}'[:MAX_SHOWN]}, which is code and not data. Nothing "
            "was run. Weights need no code: do not trust this file"
        )
