"""environment.json: in what environment, from what code and on what data a training ran."""

import hashlib
import json
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from avsync.files import atomic_write
from avsync.runtime import is_first
from avsync.types import Source


def describe() -> dict[str, Any]:
    """The environment of this process.

    command, started, python, platform: as Python gives them.
    packages: the version of each installed package, by name.
    devices: those of the job; `num_processes` share them.
    revision: the git commit of the code; None outside a checkout.
    is_modified: True if files that git tracks differ from it; None outside a checkout.
    """
    packages = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
        "devices": [f"{device} ({device.device_kind})" for device in jax.devices()],
        "num_processes": jax.process_count(),
        "revision": _git("rev-parse", "HEAD"),
        "is_modified": None if changes is None else bool(changes),
    }


def describe_source(source: Source) -> dict[str, Any]:
    """A split that is trained on.

    info_sha256: SHA-256 of its dataset_info.json, which states the number of clips and of bytes of
      each file; None if there is none.
    """
    info = source.directory / "dataset_info.json"
    known = hashlib.sha256(info.read_bytes()).hexdigest() if info.is_file() else None
    return {"split": source.split, "num_clips": source.num_clips, "info_sha256": known}


def write_environment(workdir: Path, **details: Any) -> None:
    """Writes workdir/environment.json with `details`, replacing that of an earlier start."""
    if is_first():
        contents = json.dumps(describe() | details, indent=2) + "\n"
        atomic_write(workdir / "environment.json", contents)


def _git(*arguments: str) -> str | None:
    """What git says of the folder of the code; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
