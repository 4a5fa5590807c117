"""A published file and its kind to what avsync makes of it, with errors that name the file."""

from pathlib import Path

from avsync import lookup
from avsync.convert import torch_file
from avsync.convert.base import Checkpoint, MetricNetwork
from avsync.names import shown_text


def convert(path: Path, *, kind: str) -> Checkpoint | MetricNetwork:
    """What the module `kind` of this package makes of the file at `path`.

    ValueError, which names the file and has no control characters, if it is not of that kind.
    """
    contents = torch_file.read(path)
    try:
        return lookup.load("convert", kind).convert_file(contents)
    except ValueError as error:
        raise ValueError(shown_text(f"cannot convert {path} as {kind}: {error}")) from error
