"""workdir/config.json: the resolved config of a training, beside its checkpoints."""

import json
from pathlib import Path
from typing import Any

import jax

from avsync import weights
from avsync.files import atomic_write, remove_unfinished
from avsync.json_file import read_object

CONFIG = "config.json"

MAX_CONFIG_BYTES = 1 << 20  # a config has 5 kB

MAX_NAMED = 8  # fields that an error names


def read_config(workdir: Path) -> dict[str, Any]:
    """The resolved config of the training that wrote the checkpoints of `workdir`, as recorded.

    ValueError if the file is not a JSON object; its fields are for `avsync.config` to check.
    """
    return read_object(workdir / CONFIG, max_bytes=MAX_CONFIG_BYTES)


def write_config(
    workdir: Path, config: dict[str, Any], *, begun_with: dict[str, Any] | None = None
) -> None:
    """Writes `config` beside the checkpoints, once, from the first process.

    ValueError names the fields that differ if the workdir has another config. `begun_with` is that
    config with fields that it does not record.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    remove_unfinished(workdir)
    if (workdir / CONFIG).exists():
        trees = (begun_with or read_config(workdir), config)
        before, now = (dict(weights.leaves(tree)) for tree in trees)
        differ = sorted(k for k in before.keys() | now.keys() if before.get(k) != now.get(k))
        if differ:
            listed = [f"{k}: {before.get(k)!r} then, {now.get(k)!r} now" for k in differ]
            more = [f"and {len(listed) - MAX_NAMED} more"] if len(listed) > MAX_NAMED else []
            changes = "; ".join([*listed[:MAX_NAMED], *more])
            raise ValueError(
                f"{workdir} was begun with another config ({changes}). Choose another --workdir, "
                "or resume with the config that it was begun with"
            )
        return
    if jax.process_index() == 0:
        atomic_write(workdir / CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n")
