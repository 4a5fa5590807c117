"""Parameters alone, in a plain file, and what tells some from others.

workdir/weights.safetensors          as a scorer is handed out, in either dtype
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors.numpy

from avsync import lookup
from avsync.files import atomic_write

FILE = "weights.safetensors"
DTYPES = ("float32", "float16")


def write(folder: Path, params: Any, *, dtype: str) -> None:
    """Writes weights.safetensors, with `params`, nested dicts of arrays, in one of `DTYPES`."""
    lookup.require("dtype of weights", dtype, list(DTYPES))
    arrays = {name: np.asarray(x, dtype) for name, x in leaves(params)}
    atomic_write(folder / FILE, safetensors.numpy.save(arrays))


def are_in(folder: Path) -> bool:
    """Whether weights.safetensors is there."""
    return (folder / FILE).is_file()


def read(folder: Path) -> dict[str, Any]:
    """What `write` wrote, in float32."""
    return _tree(safetensors.numpy.load((folder / FILE).read_bytes()))


def fingerprint(config: dict[str, Any], params: Any) -> str:
    """16 hexadecimal digits that other values, and hardly any others, do not share."""
    digest = hashlib.blake2b(json.dumps(config, sort_keys=True).encode(), digest_size=8)
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(name, leaf) of nested dicts, the name with a dot for each level."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from leaves(value, f"{prefix}{name}.")
    else:
        yield prefix[:-1], tree


def _tree(leaves: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The tree whose `leaves` these are, in float32."""
    tree: dict[str, Any] = {}
    for name, leaf in leaves.items():
        *folders, last = name.split(".")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[last] = leaf.astype(np.float32)
    return tree
