"""Refuses addresses (s3://…, gs://…, hf://…) in options and arguments that need a local path.

`Path` would make a local folder "gs:" of an address, and a job would write there for hours.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from avsync import hub
from avsync.mirror import is_address, upload_command

# Options of checkpoints, which `avsync.hub` reads.
HUB = {"checkpoint", "also", "weights", "encoder", "head"}

# Options with addresses of other kinds.
OTHERS = {"engine", "tracking"}

# The config's folder of datasets, which is only read.
CONFIG_DATA = "config.data.data_dir"

WRITTEN = {"workdir", "out", "out_dir", "to_npz", "keep", "drop"}

# "test=gs://bucket/test.csv", as --split_list takes it.
_NAMED = re.compile(r"\w+=(?=[a-z])", re.IGNORECASE)


def require_local(
    options: Mapping[str, Any], positional: Iterable[str], *, read: Collection[str]
) -> None:
    """ValueError if an option or argument that must be a local path is an address.

    The options `read`, and that of the config, are folders of datasets that are only read.
    """
    for name, value in options.items():
        if name in OTHERS or name in read or name == CONFIG_DATA:
            continue
        for text in _texts(value):
            place = _NAMED.sub("", text, count=1)
            if is_address(place) and not (name in HUB and hub.is_address(place)):
                raise ValueError(f"--{name}={text}: {_rule(name, place)}")
    for text in positional:
        if is_address(text) and not hub.is_address(text):
            raise ValueError(f"{text}: {_rule('', text)}")


def _rule(name: str, place: str) -> str:
    if name == "data_dir":
        return (
            "a dataset is prepared in a folder, because files are appended to and renamed, which "
            "object stores cannot do. Prepare it in a folder and copy that: "
            f"{upload_command('DIR/NAME', f'{place}/NAME')}"
        )
    if name in WRITTEN:
        return (
            "files are appended to, locked and renamed there, which object stores cannot do. Give "
            "a folder of this machine or of a shared file system, and copy it afterwards: "
            f"{upload_command('DIR', place)}"
        )
    return (
        "it is read from folders only. Copy it to this machine, or mount the bucket (Cloud Storage "
        "FUSE, Mountpoint for Amazon S3) and give the path there"
    )


def _texts(value: Any) -> Iterator[str]:
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str):
            yield text
