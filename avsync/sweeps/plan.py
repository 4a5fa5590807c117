"""The plan of a sweep: a config, the changes common to all runs, and those of each run."""

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

# Common file systems allow names of 255 bytes, and logs and locks append to them.
MAX_NAME_CHARACTERS = 120


class Run(NamedTuple):
    """One training; `name` is also the name of its folder."""

    name: str
    overrides: Overrides


class Sweep(NamedTuple):
    """Runs of one config.

    config: as on the command line, "configs/quickstart.py:test".
    fixed: changes that apply to all runs.
    fields: every config field by its dotted name, with its value in the runs that leave it alone.
    """

    config: str
    fixed: Overrides
    fields: Mapping[str, Any]
    runs: tuple[Run, ...]

    def value(self, run: Run, field: str) -> Any:
        """Return the value of a config field in this run."""
        return run.overrides.get(field, self.fields[field])

    @property
    def swept(self) -> list[str]:
        """The fields that any run changes, in order of appearance."""
        return list(dict.fromkeys(field for run in self.runs for field in run.overrides))


def load_overrides(text: str) -> list[Overrides]:
    """Return what `get_sweep(arg)` of a sweep file returns; `text` is FILE.py or FILE.py:ARG.

    ValueError names the sweeps in the same folder if the file does not exist.
    """
    place, _, arg = text.partition(":")
    path = Path(place).expanduser()
    if not path.is_file():
        known = sorted(found.as_posix() for found in path.parent.glob("*.py"))
        near = difflib.get_close_matches(path.as_posix(), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"sweep not found: {place}{hint} Known: {', '.join(known) or 'none'}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "get_sweep"):
        raise ValueError(f"{place} does not define get_sweep(arg), which returns the runs")
    return list(module.get_sweep(arg))


def make_sweep(
    overrides: Iterable[Overrides], *, config: str, fixed: Overrides, values: Mapping[str, Any]
) -> Sweep:
    """Return the sweep of these runs; `values` is the nested config with `fixed` applied.

    ValueError if there is no run, two runs are equal, or a run changes a field that the config
    lacks, that `fixed` sets, or that has another type.
    """
    fields = dict(_flat(values))
    runs: list[Run] = []
    for index, changes in enumerate(overrides):
        plain = {field: _plain(value) for field, value in changes.items()}
        for field, value in plain.items():
            _require_possible(field, value, fields=fields, fixed=fixed)
        if repeated := next((run for run in runs if run.overrides == plain), None):
            raise ValueError(
                f"run {index} repeats run {repeated.name}: change a field, such as the seed, or "
                "draw fewer runs"
            )
        runs.append(Run(name_of(index, plain), plain))
    if not runs:
        raise ValueError("the sweep has no runs: get_sweep returned an empty list")
    return Sweep(config, dict(fixed), fields, tuple(runs))


def name_of(index: int, overrides: Overrides) -> str:
    """Return "003_learning_rate=0.001,seed=2": sorted like the sweep, safe in a shell unquoted."""
    parts = [f"{field.rpartition('.')[2]}={value}" for field, value in overrides.items()]
    text = re.sub(r"[^\w.+=,-]+", "-", ",".join(parts) or "unchanged")
    return f"{index:03d}_{text}"[:MAX_NAME_CHARACTERS]


def record(sweep: Sweep, root: Path) -> None:
    """Write root/sweep.json. A sweep may resume with runs added at its end.

    ValueError names the first difference if `root` holds another sweep.
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
                f"{root} holds another sweep ({difference}). Choose another --workdir, or resume "
                "the same sweep; runs may be added only at its end."
            )
    root.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    for key in ("config", "fixed"):
        if before[key] != now[key]:
            return f"{key}: {before[key]!r} before, {now[key]!r} now"
    if len(now["runs"]) < len(before["runs"]):
        return f"{len(before['runs'])} runs before, {len(now['runs'])} now"
    for recorded, run in zip(before["runs"], now["runs"], strict=False):
        if recorded != run:
            return f"run {recorded['name']} before, {run['name']} now"
    return ""


def _require_possible(
    field: str, value: Any, *, fields: Mapping[str, Any], fixed: Overrides
) -> None:
    if field not in fields:
        # Compare the last part too: to a person, "learning_rate" is near "optim.learning_rate".
        last = {name.rpartition(".")[2]: name for name in fields}
        near = difflib.get_close_matches(field, fields, n=3)
        near += [last[n] for n in difflib.get_close_matches(field.rpartition(".")[2], last, n=2)]
        hint = ", ".join(dict.fromkeys(near)) or ", ".join(sorted(fields))
        raise ValueError(f"the config has no field {field!r}; the nearest are: {hint}")
    if field in fixed:
        raise ValueError(
            f"{field} is both swept and set by --config.{field}={fixed[field]}; remove one of them"
        )
    expected = type(fields[field])
    if type(value) is not expected and (expected, type(value)) != (float, int):
        raise ValueError(
            f"{field} is of type {expected.__name__} in the config, as in {fields[field]!r}; "
            f"the sweep sets {value!r}"
        )


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as a Python value, which JSON can hold."""
    return value.item() if isinstance(value, np.generic) else value


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
