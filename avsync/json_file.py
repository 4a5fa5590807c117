"""JSON objects in files that others may have written: read within limits, or a ValueError."""

import json
from pathlib import Path
from typing import Any, NoReturn

MAX_DEPTH = 20  # of objects and lists in each other; a config has 4


def read_object(path: Path, *, max_bytes: int) -> dict[str, Any]:
    """The JSON object in the file at `path`.

    ValueError, which begins with `path`, if the file cannot be read, has more than `max_bytes`, is
    not UTF-8 or not JSON (NaN and Infinity are not), nests deeper than 20 levels, or holds anything
    but an object.
    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > max_bytes:
        raise ValueError(f"{path} has more than {max_bytes:,} bytes, too many for such a file")
    try:
        value = json.loads(content.decode(), parse_constant=_refuse)
        is_deep = _depth_exceeds(value, MAX_DEPTH)
    except RecursionError:
        value, is_deep = None, True
    except ValueError as error:
        problem = "is empty" if not content.strip() else f"is not a JSON file: {error}"
        raise ValueError(f"{path} {problem}. Copy or download it again") from error
    if is_deep:
        raise ValueError(f"{path} nests values deeper than {MAX_DEPTH} levels")
    if not isinstance(value, dict):
        raise ValueError(f"{path} must hold a JSON object, not {_kind(value)}")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _depth_exceeds(value: Any, max_depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return max_depth == 0 or any(_depth_exceeds(item, max_depth - 1) for item in items)


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")
