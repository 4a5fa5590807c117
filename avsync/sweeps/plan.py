"""What a sweep is: a config, what all its runs share, and what each changes."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.files import atomic_write
from avsync.sweeps.space import Overrides

FILE = "sweep.json"

# Folders on all common file systems may have names of 255 bytes; some logs add to them.
MAX_NAME_CHARACTERS = 120


class Run(NamedTuple):
    """One training; `name` is that of its folder."""

    name: str
    overrides: Overrides


class Sweep(NamedTuple):
    """Runs of one config.

    config: as the user named it, "configs/quickstart.py:test".
    fixed: what was changed for all runs.
    fields: every field of the config by its dotted name, with the value that it has for all runs
      that do not change it.
    """

    config: str
    fixed: Overrides
    fields: Mapping[str, Any]
    runs: tuple[Run, ...]

    def value(self, run: Run, field: str) -> Any:
        """The value of `field` in this run; "" if only a plug-in of other runs has it."""
        return run.overrides.get(field, self.fields.get(field, ""))

    @property
    def swept(self) -> list[str]:
        """The fields that runs change, in the order in which they name them."""
        return list(dict.fromkeys(field for run in self.runs for field in run.overrides))


def make_sweep(
    overrides: Iterable[Overrides],
    *,
    config: str,
    fixed: Overrides,
    fields_with: Callable[[Overrides], Mapping[str, Any]],
) -> Sweep:
    """The sweep of these runs.

    `fields_with(changes)` returns the values of all fields, by dotted name, of the config with
    `fixed` and `changes`; it raises ValueError for an unknown field or a value of another type.
    ValueError also names a field that `fixed` sets, a run that occurs twice; or says that there is
    no run.
    """
    fields = fields_with({})
    runs: list[Run] = []
    for index, changes in enumerate(overrides):
        plain = {field: _plain(value) for field, value in changes.items()}
        for field in plain:
            if field in fixed:
                raise ValueError(
                    f"{field} is swept and fixed by --config.{field}={fixed[field]}; leave out one "
                    "of them"
                )
        fields_with(plain)
        if twin := next((run for run in runs if run.overrides == plain), None):
            raise ValueError(
                f"run {index} of the sweep is that of {twin.name} again; change a field, such as "
                "the seed, or draw fewer"
            )
        runs.append(Run(name_of(index, plain), plain))
    if not runs:
        raise ValueError("the sweep has no runs: get_sweep gave an empty list")
    return Sweep(config, dict(fixed), fields, tuple(runs))


def name_of(index: int, overrides: Overrides) -> str:
    """ "003_learning_rate=0.001,seed=2": sorts as the sweep does, needs no quotes in a shell."""
    parts = [f"{field.rpartition('.')[2]}={value}" for field, value in overrides.items()]
    text = re.sub(r"[^\w.+=,-]+", "-", ",".join(parts) or "unchanged")
    return f"{index:03d}_{text}"[:MAX_NAME_CHARACTERS]


def record(sweep: Sweep, root: Path) -> None:
    """Writes root/sweep.json. A sweep may go on with more runs than it was begun with.

    ValueError, naming the first difference, if `root` holds another sweep.
    """
    path = root / FILE
    content = {
        "config": sweep.config,
        "fixed": sweep.fixed,
        "runs": [run._asdict() for run in sweep.runs],
    }
    text = json.dumps(content, indent=2) + "\n"
    if path.is_file():
        before, now = json.loads(path.read_text()), json.loads(text)
        if difference := _difference(before, now):
            raise ValueError(
                f"{root} holds another sweep ({difference}). Choose another --workdir, or the "
                "sweep it was begun with; only runs at its end may be added."
            )
    root.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    for key in ("config", "fixed"):
        if before[key] != now[key]:
            return f"{key}: {before[key]!r} then, {now[key]!r} now"
    if len(now["runs"]) < len(before["runs"]):
        return f"{len(before['runs'])} runs then, {len(now['runs'])} now"
    for then, run in zip(before["runs"], now["runs"], strict=False):
        if then != run:
            return f"run {then['name']} then, {run['name']} now"
    return ""


def _plain(value: Any) -> Any:
    """As Python and JSON have it; a user's values may come from NumPy."""
    return value.item() if isinstance(value, np.generic) else value
