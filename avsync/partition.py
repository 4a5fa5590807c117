"""Trained and frozen parameters: a rule that names them, and trees that keep them apart.

A rule is a list of parameter paths that are frozen; a path after "!" is trained again, and a later
entry overrides earlier ones:

    encoder                                        everything in the encoder
    encoder,!encoder.transformer.blocks[-2:]       all of it but its last two blocks
    encoder.resnet,encoder.transformer.blocks[:12] the front end and the first twelve blocks

Blocks of equal shape are stacked along the leading axis of one array per parameter. Where only the
lower ones are frozen, a training holds them apart, as "frozen_blocks" beside the "blocks" that it
trains: the frozen ones are then neither differentiated nor copied by an update. `whole` undoes it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from avsync import lookup

BLOCKS = "blocks"  # the name under which a module stacks the parameters of its blocks
FROZEN_BLOCKS = "frozen_blocks"

# "-0" is no bound: blocks[-0:] would be all blocks, where "the last 0" may be meant.
_BOUND = r"(0|-?[1-9]\d*)?"
_ENTRY = re.compile(rf"(!?)(\w+(?:\.\w+)*)(?:\[{_BOUND}:{_BOUND}\])?")


class Partition(NamedTuple):
    """The frozen parameters of a model; the others are trained.

    frozen: the dotted names of frozen arrays, in what `split` returns.
    num_frozen_blocks: of each stack whose lower blocks alone are frozen, by its dotted name.
    """

    frozen: frozenset[str]
    num_frozen_blocks: Mapping[str, int]

    def split(self, params: Any) -> Any:
        """`params` with the frozen lower blocks of each stack as "frozen_blocks", beside "blocks".

        Leaves may be any arrays with the leading axis of the stack; other leaves are kept.
        """
        arrays: dict[str, Any] = {}
        for name, leaf in named(params):
            num_frozen = self.num_frozen_blocks.get(stack_of(name), 0)
            if num_frozen:
                arrays[_lower(name)] = leaf[:num_frozen]
            arrays[name] = leaf[num_frozen:] if num_frozen else leaf
        return nested(arrays)

    def trained_of(self, params: Any) -> Any:
        """The part of what `split` returns that is trained."""
        return nested({name: leaf for name, leaf in named(params) if name not in self.frozen})


# Every parameter is trained.
ALL_TRAINED = Partition(frozenset(), {})


def make_partition(freeze: str, params: Any) -> Partition:
    """The partition of `params`, a tree of arrays or shapes, by the rule `freeze`; "" trains all.

    ValueError if an entry is malformed or names no parameter, if its blocks do not exist, if the
    frozen blocks of a stack are not its lower ones, or if no parameter is left to train.
    """
    # One value per array, or one per block of a stacked array.
    is_trained = {
        name: np.ones(leaf.shape[:1] if stack_of(name) else (), bool)
        for name, leaf in named(params)
    }
    for entry in filter(None, map(str.strip, freeze.split(","))):
        _apply(entry, is_trained)
    if not any(rows.any() for rows in is_trained.values()):
        raise ValueError(
            f"config.train.freeze={freeze!r} leaves no parameter to train: leave out a part, such "
            "as the head"
        )
    stacks: dict[str, list[np.ndarray]] = {}
    for name, rows in is_trained.items():
        if stack := stack_of(name):
            stacks.setdefault(stack, []).append(rows)
    cuts = {stack: _num_frozen(stack, arrays) for stack, arrays in stacks.items()}
    upper = {name for name, rows in is_trained.items() if not rows.any()}
    lower = {_lower(name) for name in is_trained if cuts.get(stack_of(name))}
    return Partition(frozenset(upper | lower), {stack: cut for stack, cut in cuts.items() if cut})


def overlaid(params: Any, changes: Any) -> Any:
    """`params` with the arrays of `changes`, a tree of some of its arrays, in place of its own."""
    return nested({**dict(named(params)), **dict(named(changes))})


def whole(params: Any) -> Any:
    """`params` with every stack in one piece again, on the host; undoes `Partition.split`."""
    arrays = dict(named(params))
    for name in list(arrays):
        if stack_of(name) and _lower(name) in arrays:
            arrays[name] = np.concatenate([arrays.pop(_lower(name)), arrays[name]])
    return nested(arrays)


def named(tree: Any) -> Iterator[tuple[str, Any]]:
    """(dotted name, leaf) of nested dicts, sorted by name as JAX does."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        yield jax.tree_util.keystr(path, simple=True, separator="."), leaf


def nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The nested dicts of `arrays` by dotted name."""
    tree: dict[str, Any] = {}
    for name, array in arrays.items():
        *folders, last = name.split(".")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[last] = array
    return tree


def stack_of(name: str) -> str:
    """The dotted name of the stack that array `name` belongs to; "" if it belongs to none."""
    before, found, _ = f".{name}.".partition(f".{BLOCKS}.")
    return f"{before}.{BLOCKS}"[1:] if found else ""


def _apply(entry: str, is_trained: dict[str, np.ndarray]) -> None:
    """Marks the parameters that `entry` names as frozen, or after "!" as trained."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(
            f"config.train.freeze: {entry!r} is not PATH, PATH[START:STOP] or !PATH, as in "
            "encoder,!encoder.transformer.blocks[-2:]"
        )
    negation, path, start, stop = match.groups()
    names = [name for name in is_trained if f"{name}.".startswith(f"{path}.")]
    if not names:
        raise ValueError(_unknown(path, list(is_trained)))
    rows = slice(None)
    if "[" in entry:
        _require_blocks(entry, path, [start, stop], is_trained[names[0]])
        rows = slice(*(int(bound) if bound else None for bound in (start, stop)))
    for name in names:
        is_trained[name][rows if "[" in entry else ...] = bool(negation)


def _require_blocks(
    entry: str, path: str, bounds: list[str | None], is_trained: np.ndarray
) -> None:
    if path.rpartition(".")[2] != BLOCKS:
        raise ValueError(
            f"config.train.freeze: {entry!r} selects blocks, which only a path that ends in "
            f"{BLOCKS!r} has"
        )
    num_blocks = len(is_trained)
    if any(abs(int(bound)) > num_blocks for bound in bounds if bound):
        raise ValueError(f"config.train.freeze: {entry!r}: {path} has {num_blocks} blocks")


def _num_frozen(stack: str, is_trained: list[np.ndarray]) -> int:
    """The lower blocks of a stack that are frozen in all of its arrays, if others are trained."""
    of_some = np.any(is_trained, axis=0)
    num_frozen = int(of_some.argmax()) if of_some.any() else 0
    for rows in is_trained:
        if rows[num_frozen:].any() and not rows[num_frozen:].all():
            raise ValueError(
                f"config.train.freeze freezes blocks of {stack} above trained ones; only its lower "
                f"blocks can be frozen apart from the others: {stack}[:N]"
            )
    return num_frozen


def _lower(name: str) -> str:
    """The name of the frozen lower blocks of array `name`, which belongs to a stack."""
    return stack_of(name).removesuffix(BLOCKS) + FROZEN_BLOCKS + name.removeprefix(stack_of(name))


def _unknown(path: str, names: list[str]) -> str:
    """An error text for a path of no parameter: the known ones at the first part that is wrong."""
    known, parent = _children("", names), ""
    for part in path.split("."):
        child = f"{parent}.{part}".strip(".")
        if child not in known:
            return lookup.unknown("parameter path in config.train.freeze", child, known)
        parent, known = child, _children(child, names)
    raise AssertionError(path)


def _children(parent: str, names: list[str]) -> list[str]:
    prefix = f"{parent}." if parent else ""
    inside = (name[len(prefix) :] for name in names if name.startswith(prefix))
    return list(dict.fromkeys(prefix + rest.partition(".")[0] for rest in inside))
