"""What a sweep is: a config, what all its runs share, and what each changes."""

import difflib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
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
        """What `field` of the config is in this run."""
        return run.overrides.get(field, self.fields[field])

    @property
    def swept(self) -> list[str]:
        """The fields that runs change, in the order in which they name them."""
        return list(dict.fromkeys(field for run in self.runs for field in run.overrides))


def load_overrides(text: str) -> list[Overrides]:
    """What `get_sweep(arg)` of a file gives; `text` is FILE.py or FILE.py:ARG.

    ValueError names the sweeps beside it if there is no such file.
    """
    place, _, arg = text.partition(":")
    path = Path(place).expanduser()
    if not path.is_file():
        known = sorted(found.as_posix() for found in path.parent.glob("*.py"))
        near = difflib.get_close_matches(path.as_posix(), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no sweep at {place}{hint} There are: {', '.join(known) or 'none'}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "get_sweep"):
        raise ValueError(f"{place} has no get_sweep(arg), which gives the runs of a sweep")
    return list(module.get_sweep(arg))


def make_sweep(
    overrides: Iterable[Overrides], *, config: str, fixed: Overrides, values: Mapping[str, Any]
) -> Sweep:
    """The sweep of these runs; `values` is the nested config, `fixed` already in it.

    ValueError names a field that the config does not have or that `fixed` sets, a value of another
    type than the config's, a run that is there twice; or says that there is no run.
    """
    fields = dict(_flat(values))
    runs: list[Run] = []
    for index, changes in enumerate(overrides):
        plain = {field: _plain(value) for field, value in changes.items()}
        for field, value in plain.items():
            _require_possible(field, value, fields=fields, fixed=fixed)
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


def _require_possible(
    field: str, value: Any, *, fields: Mapping[str, Any], fixed: Overrides
) -> None:
    if field not in fields:
        # By the last part too: "learning_rate" is near "optim.learning_rate" for a person.
        last = {name.rpartition(".")[2]: name for name in fields}
        near = difflib.get_close_matches(field, fields, n=3)
        near += [last[n] for n in difflib.get_close_matches(field.rpartition(".")[2], last, n=2)]
        hint = ", ".join(dict.fromkeys(near)) or ", ".join(sorted(fields))
        raise ValueError(f"the config has no field {field!r}; the nearest are: {hint}")
    if field in fixed:
        raise ValueError(
            f"{field} is swept and fixed by --config.{field}={fixed[field]}; leave out one of them"
        )
    expected = type(fields[field])
    if type(value) is not expected and (expected, type(value)) != (float, int):
        raise ValueError(
            f"{field} is of type {expected.__name__} in the config, such as {fields[field]!r}; "
            f"the sweep has {value!r}"
        )


def _plain(value: Any) -> Any:
    """As Python and JSON have it; a user's values may come from NumPy."""
    return value.item() if isinstance(value, np.generic) else value


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
