"""Model parameters in one plain file, and the checks that every loaded parameter passes.

workdir/model.safetensors            parameters alone, float32 or float16, as handed out

Parameters are nested dicts of arrays. Everything that loads them, from this file or from Orbax,
calls `require_intact`; everything that runs a model with them calls `require_fit`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors
import safetensors.numpy

from avsync import lookup
from avsync.files import atomic_write
from avsync.names import shown_text
from avsync.partition import nested

FILE = "model.safetensors"  # the name that Hugging Face's tools expect
OLD_FILE = "weights.safetensors"  # its name until avsync 0.2.0
DTYPES = ("float32", "float16")

FINGERPRINT = "fingerprint"  # the key in the metadata of a file or a checkpoint

# Flax's automatic names of the layers of avsync 0.1; every layer has had an explicit name since.
OLD_NAMES = re.compile(r"\b(Conv|Dense|LayerNorm|Norm|PictureBlock|TemporalBlock)_\d+\b")

ALIGNMENT_BYTES = 64  # of arrays whose memory XLA uses as it is

STORED_DTYPES = ("F64", "F32", "F16")  # of files by others too; safetensors' names

MAX_NAME = 1000  # characters of the name of an array
MAX_REASON = 300  # characters of an error about the names in a file
MAX_NAMED = 3  # arrays that an error names of each kind


def write(folder: Path, params: Any, *, dtype: str) -> None:
    """Writes model.safetensors with `params` in `dtype`, one of `DTYPES`, and a fingerprint.

    ValueError if a value is not finite, in `params` or in `dtype`.
    """
    lookup.require("dtype of weights", dtype, DTYPES)
    with np.errstate(over="ignore"):  # reported as an array with infinite values
        arrays = {name: np.asarray(x, dtype) for name, x in leaves(params)}
    require_finite(arrays, source=f"the parameters in {dtype}")
    metadata = {FINGERPRINT: fingerprint({}, _tree(arrays.items()))}
    atomic_write(folder / FILE, safetensors.numpy.save(arrays, metadata))


def are_in(folder: Path) -> bool:
    """True if `folder` has a model.safetensors, or the file under its old name."""
    return _path(folder).is_file()


def read(folder: Path) -> dict[str, Any]:
    """The parameters that `write` wrote, in float32.

    ValueError if the file is damaged, not finite, or not written by this version of avsync.
    """
    path = _path(folder)
    try:
        with safetensors.safe_open(path, "numpy") as file:
            stored = (file.metadata() or {}).get(FINGERPRINT)
            # One by one: a large model is held once.
            names = list(file.keys())
            _require_plain(file, names)
            params = _tree((name, _aligned(file.get_tensor(name))) for name in names)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        reason = shown_text(f"{error}"[:MAX_REASON])
        raise ValueError(f"{path} is damaged: {reason}. Copy or download it again") from error
    require_intact(params, stored, source=path)
    return params


def fingerprint(config: Mapping[str, Any], params: Any) -> str:
    """16 hexadecimal digits that identify `config` and `params`, compared as float32."""
    digest = hashlib.blake2b(json.dumps(config, sort_keys=True).encode(), digest_size=8)
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        digest.update(jax.tree_util.keystr(path).encode())
        # A view, as a copy would double the memory of the largest array.
        digest.update(np.ascontiguousarray(leaf, np.float32).reshape(-1).data)
    return digest.hexdigest()


def require_intact(params: Any, stored: str | None, *, source: Path) -> None:
    """ValueError if `params`, loaded from `source`, are not as they were written, or not finite.

    `stored` is their fingerprint when they were written; None is an error too.
    """
    if old := [name for name, _ in leaves(params) if OLD_NAMES.search(name)]:
        raise ValueError(
            f"{source} was written by avsync 0.1, whose layers had other names ({old[0]}): train, "
            "convert or export it again, or use it with avsync 0.1"
        )
    if stored is None:
        raise ValueError(
            f"{source} has no fingerprint: it was written by avsync 0.1 or by another program. "
            "Train, convert or export it again"
        )
    actual = fingerprint({}, params)
    if actual != stored:
        raise ValueError(
            f"{source} is damaged: its weights have the fingerprint {actual}, expected {stored}. "
            "Copy or download it again, or use another checkpoint"
        )
    require_finite(params, source=source)


def require_finite(params: Any, *, source: object) -> None:
    """ValueError that names the first array of `params` with NaN or infinite values."""
    for name, leaf in leaves(params):
        if not np.isfinite(leaf).all():
            raise ValueError(f"{source}: {name} has NaN or infinite values")


def require_fit(params: Any, expected: Any, *, source: object) -> None:
    """ValueError if `params` and `expected`, a tree of shapes, differ in names or shapes.

    The message names arrays that are missing, unknown, or of another shape, and `source`.
    """
    given, wanted = (
        {name: list(leaf.shape) for name, leaf in leaves(tree)} for tree in (params, expected)
    )
    problems = [
        *_listed("missing", [f"{name} {wanted[name]}" for name in wanted if name not in given]),
        *_listed("unknown", [f"{name} {given[name]}" for name in given if name not in wanted]),
        *_listed(
            "wrong shape",
            [
                f"{name} is {given[name]}, expected {shape}"
                for name, shape in wanted.items()
                if name in given and given[name] != shape
            ],
        ),
    ]
    if problems:
        raise ValueError(
            f"{source} does not fit the model: {'; '.join(problems)}. Choose the model of that "
            "checkpoint, or another checkpoint"
        )


def leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(name, leaf) of nested dicts; the name joins the keys with dots."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from leaves(value, f"{prefix}{name}.")
    else:
        yield prefix[:-1], tree


def _require_plain(file: Any, names: Sequence[str]) -> None:
    """ValueError if the arrays in an open safetensors file are no tree, or not of floats."""
    if any(len(name) > MAX_NAME for name in names):
        raise ValueError(f"the name of an array has more than {MAX_NAME} characters")
    groups = {name[:i] for name in names for i, letter in enumerate(name) if letter == "."}
    if clash := groups.intersection(names):
        raise ValueError(f"it has an array and a group called {min(clash)}")
    for name in names:
        if (dtype := file.get_slice(name).get_dtype()) not in STORED_DTYPES:
            raise ValueError(f"{name} has the type {dtype}")


def _path(folder: Path) -> Path:
    """The weights in `folder`: under the old name only where there are none under the new one."""
    is_old = not (folder / FILE).is_file() and (folder / OLD_FILE).is_file()
    return folder / (OLD_FILE if is_old else FILE)


def _listed(problem: str, arrays: list[str]) -> list[str]:
    more = f" and {len(arrays) - MAX_NAMED} more" if len(arrays) > MAX_NAMED else ""
    return [f"{problem}: {', '.join(arrays[:MAX_NAMED])}{more}"] if arrays else []


def _aligned(array: np.ndarray) -> np.ndarray:
    """A copy in float32 whose memory JAX can share with a CPU device instead of copying it."""
    num_bytes = array.size * np.dtype(np.float32).itemsize
    memory = np.empty(num_bytes + ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT_BYTES
    copy = memory[start : start + num_bytes].view(np.float32).reshape(array.shape)
    copy[...] = array
    return copy


def _tree(arrays: Iterable[tuple[str, np.ndarray]]) -> dict[str, Any]:
    """The nested dicts of `arrays` by dotted name, in float32."""
    return nested({name: array.astype(np.float32, copy=False) for name, array in arrays})
