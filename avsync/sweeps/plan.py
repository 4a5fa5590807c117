"""The plan of a sweep: a config, the changes common to all runs, and those of each run."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.files import atomic_write
from avsync.sweeps.space import Overrides

FILE = "sweep.json"

# Common file systems allow names of 255 bytes, and logs and locks append to them.
MAX_NAME_CHARACTERS = 120


# Fields that change the meaning of the validation loss: which clips it is computed on, the number
# of candidate offsets, the number of frames that are summed.
LOSS_FIELDS = (
    "data.dataset",
    "data.mixture",
    "data.val_split",
    "model.reach_frames",
    "model.edges",
    "train.loss",
    "train.reduction",
)


class Run(NamedTuple):
    """One training; `name` is also the name of its folder."""

    name: str
    overrides: Overrides


class Sweep(NamedTuple):
    """Runs of one config.

    config: as on the command line, "configs/quickstart.py:test".
    fixed: changes that apply to all runs.
    fields: every config field by its dotted name, with its value in the runs that leave it alone.
    space: the values of each field that Optuna chooses from; empty for a list of runs.
    """

    config: str
    fixed: Overrides
    fields: Mapping[str, Any]
    runs: tuple[Run, ...]
    space: Mapping[str, Any] = {}

    def value(self, run: Run, field: str) -> Any:
        """Return the value of a config field in this run; "" if only other runs have the field."""
        return run.overrides.get(field, self.fields.get(field, ""))

    @property
    def swept(self) -> list[str]:
        """The fields that any run changes, in order of appearance."""
        return list(dict.fromkeys(field for run in self.runs for field in run.overrides))


def make_sweep(
    overrides: Iterable[Overrides],
    *,
    config: str,
    fixed: Overrides,
    fields_with: Callable[[Overrides], Mapping[str, Any]],
) -> Sweep:
    """Return the sweep of these runs.

    `fields_with(changes)` returns the values of all fields, by dotted name, of the config with
    `fixed` and `changes`. It raises ValueError for a field that the config lacks or a value of
    another type; so does this function if there is no run, two runs are equal, or a run changes a
    field that `fixed` sets.
    """
    fields = fields_with({})
    runs: list[Run] = []
    for index, changes in enumerate(overrides):
        plain = checked(changes, fixed=fixed)
        fields_with(plain)
        if repeated := next((run for run in runs if run.overrides == plain), None):
            raise ValueError(
                f"run {index} repeats run {repeated.name}: change a field, such as the seed, or "
                "draw fewer runs"
            )
        runs.append(Run(name_of(index, plain), plain))
    if not runs:
        raise ValueError("the sweep has no runs: get_sweep returned an empty list")
    return Sweep(config, dict(fixed), fields, tuple(runs))


def checked(changes: Overrides, *, fixed: Overrides) -> Overrides:
    """Return the changes of a run with NumPy scalars as Python values, which JSON can hold.

    ValueError for a field that `fixed` sets, or that is a section of the config.
    """
    plain = {field: _plain(value) for field, value in changes.items()}
    for field, value in plain.items():
        if isinstance(value, Mapping):
            # It fits the config, but a run gets its changes as --config.FIELD=VALUE.
            raise ValueError(
                f"{field} is a section: sweep its fields by their dotted names, such as "
                f"{'.'.join([field, *list(value)[:1]])}"
            )
        if field in fixed:
            raise ValueError(
                f"{field} is both swept and set by --config.{field}={fixed[field]}; remove one "
                "of them"
            )
    return plain


def name_of(index: int, overrides: Overrides) -> str:
    """Return "003_learning_rate=0.001,seed=2": sorted like the sweep, safe in a shell unquoted."""
    last_parts = [field.rpartition(".")[2] for field in overrides]
    parts = [
        f"{last if last_parts.count(last) == 1 else '.'.join(field.split('.')[-2:])}={value}"
        for (field, value), last in zip(overrides.items(), last_parts, strict=True)
    ]
    text = re.sub(r"[^\w.+=,-]+", "-", ",".join(parts) or "unchanged", flags=re.ASCII)
    return f"{index:03d}_{text}"[:MAX_NAME_CHARACTERS]


def record(sweep: Sweep, root: Path) -> None:
    """Write root/sweep.json. A sweep may resume with runs added at its end.

    ValueError names the first difference if `root` holds another sweep.
    """
    path = root / FILE
    content = {
        "config": sweep.config,
        "fixed": sweep.fixed,
        "space": sweep.space,
        "runs": [run._asdict() for run in sweep.runs],
    }
    text = json.dumps(content, indent=2) + "\n"
    if path.is_file():
        before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(text)
        if difference := _difference(before, now):
            raise ValueError(
                f"{root} holds another sweep ({difference}). Choose another --workdir, or resume "
                "the same sweep; runs may be added only at its end."
            )
    root.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    for key in ("config", "fixed", "space"):
        one, other = before.get(key, {}), now[key]  # 0.1 wrote no space
        if one != other:
            return f"{key}: {one!r} before, {other!r} now"
    if len(now["runs"]) < len(before["runs"]):
        return f"{len(before['runs'])} runs before, {len(now['runs'])} now"
    for recorded, run in zip(before["runs"], now["runs"], strict=False):
        if recorded != run:
            return f"run {recorded['name']} before, {run['name']} now"
    return ""


def _plain(value: Any) -> Any:
    """Return NumPy scalars, also in tuples and lists, as Python values, which JSON can hold."""
    if isinstance(value, list | tuple):
        items = map(_plain, value)
        return tuple(items) if isinstance(value, tuple) else list(items)
    return value.item() if isinstance(value, np.generic) else value
