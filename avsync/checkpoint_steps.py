"""The checkpoints of a training as files: which are whole, and what the others lack.

Nothing is loaded here, and Orbax is not asked: it takes any folder with a number for a checkpoint,
also one whose copy was interrupted.
"""

import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from avsync.json_file import read_object
from avsync.names import shown_text

STATE = "state"

INCOMPLETE = "incomplete"  # where the trainer puts checkpoints that it found partial

# What Orbax writes last, beside the state and within it.
METADATA, STATE_METADATA = "_CHECKPOINT_METADATA", "_METADATA"

MAX_METADATA_BYTES = 64 << 20  # a few hundred bytes for each array


class Steps(NamedTuple):
    """Steps of the whole checkpoints, ascending; what the others lack, by step."""

    whole: list[int]
    partial: Mapping[int, str]


def steps(folder: Path) -> Steps:
    """The checkpoints in `folder`; none if it does not exist.

    One that is being written has a longer name, and is no checkpoint yet.
    """
    paths = folder.iterdir() if folder.is_dir() else []
    numbered = {int(path.name): path for path in paths if _is_step(path)}
    lacks = {step: lack(path) for step, path in sorted(numbered.items())}
    return Steps(
        [step for step, missing in lacks.items() if not missing],
        {step: missing for step, missing in lacks.items() if missing},
    )


def lack(path: Path) -> str:
    """What the checkpoint at `path` lacks, as words that follow its name; "" if it is whole.

    Values are not read: their fingerprint is compared when they are loaded.
    """
    state = path / STATE
    for name in (METADATA, f"{STATE}/{STATE_METADATA}"):
        if not (path / name).is_file():
            return f"lacks {name}"
    try:
        read_object(path / METADATA, max_bytes=MAX_METADATA_BYTES)
        described = read_object(state / STATE_METADATA, max_bytes=MAX_METADATA_BYTES)
    except ValueError as error:
        return f"has a damaged file: {error}"
    if described.get("use_ocdbt"):
        has_values = any(file.stat().st_size for file in state.glob("d/*"))
        missing = [] if has_values else [f"{STATE}/d"]
        if not (state / "manifest.ocdbt").is_file():
            missing.append(f"{STATE}/manifest.ocdbt")
    else:
        missing = [
            name for name in _arrays(described) if not (state / name / "zarr.json").is_file()
        ]
    return f"lacks {missing[0]}" if missing else ""


def set_aside(path: Path, missing: str) -> None:
    """Moves a partial checkpoint out of the way of the training, which resumes from another."""
    if jax.process_index() != 0:
        return
    place = path.parent.parent / INCOMPLETE / f"{path.name}.{uuid.uuid4().hex[:8]}"
    place.parent.mkdir(exist_ok=True)
    path.rename(place)
    tell(f"{path} is incomplete (it {missing}) and is not used; it was moved to {place}")


def tell(line: str) -> None:
    """Prints a line on stderr, once for all processes of a job."""
    if jax.process_index() == 0:
        print(shown_text(line), file=sys.stderr)


def others(path: Path) -> str:
    """Names the newest whole checkpoint beside `path`, in a sentence; "" if there is none."""
    whole = [step for step in steps(path.parent).whole if str(step) != path.name]
    return f" The checkpoint {path.parent / str(max(whole))} is whole" if whole else ""


def _arrays(described: Mapping[str, Any]) -> list[str]:
    """The folders of the arrays of a checkpoint that has a folder for each."""
    tree = described.get("tree_metadata")
    entries = tree.values() if isinstance(tree, dict) else []
    keys: list[Any] = [entry.get("key_metadata") for entry in entries if isinstance(entry, dict)]
    return [".".join(str(key.get("key")) for key in path) for path in keys if _is_path(path)]


def _is_path(keys: Any) -> bool:
    return isinstance(keys, list) and all(isinstance(key, dict) for key in keys)


def _is_step(path: Path) -> bool:
    # Python reads any number of digits below 4300; no training lasts 10^18 updates.
    return path.name.isascii() and path.name.isdecimal() and len(path.name) < 19 and path.is_dir()
