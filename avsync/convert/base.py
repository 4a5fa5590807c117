"""What every kind of published file is converted to.

A kind is a module of this package with a function `convert_file(contents) -> Checkpoint`, where
`contents` is what `torch_file.read` makes of the file. It raises ValueError, without naming the
file, for contents that are not of its kind.
"""

from typing import Any, NamedTuple


class Checkpoint(NamedTuple):
    """What a training leaves, of a training that took place elsewhere.

    params: NumPy arrays, float32, in the tree that the model has them in.
    config: the fields of avsync.config that are not at their default.
    """

    params: dict[str, Any]
    config: dict[str, Any]
