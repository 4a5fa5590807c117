"""Values of config fields: text from the command line and JSON, as the type that a field has."""

import ast
from collections.abc import Mapping
from typing import Any

MAX_INTEGER = 2**63
MAX_FLOAT = 3.4e38  # of float32, rounded down
MAX_SHOWN = 200  # characters of a value in a message

TYPES = {bool: "true or false", int: "an integer", float: "a number", str: "text", tuple: "a tuple"}

TABLE = {"grid": 1.0, "lrs3": 0.5}  # an example, for messages


def parsed(field: str, text: str, *, like: Any) -> Any:
    """`text` parsed as a value of the type of `like`; ValueError names `field`.

    "1e4" is the integer 10000 for an integer field; a tuple is "8,16", "(8,16)" or "[8,16]", a
    table "{'grid': 1.0, 'lrs3': 0.5}".
    """
    if isinstance(like, str):
        return text
    if isinstance(like, bool):
        value: Any = {"true": True, "false": False}.get(text.lower(), text)
    elif isinstance(like, int | float):
        value = _number(text)
    elif isinstance(like, Mapping):
        value = _literal(text)
    else:
        value = _literal(text)
        if value is not text:
            value = tuple(value) if isinstance(value, list | tuple) else (value,)
    return typed(field, value, like=like)


def typed(field: str, value: Any, *, like: Any, annotation: str = "tuple[int, ...]") -> Any:
    """`value` converted to the type of `like` if that loses nothing; else ValueError names `field`.

    Integers serve as floats, integral floats as integers, lists as tuples. `annotation` gives the
    length of a tuple. A table has numbers by name.
    """
    if isinstance(like, Mapping):
        if isinstance(value, Mapping) and all(isinstance(name, str) and name for name in value):
            return {name: typed(f"{field}[{name!r}]", x, like=1.0) for name, x in value.items()}
        raise ValueError(f"{field} expects numbers by name such as {TABLE}, got {_brief(value)}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Comparisons, as integers may be too large for floats. NaN is never below.
    is_float = isinstance(like, float)
    if is_number and not abs(value) < (MAX_FLOAT if is_float else MAX_INTEGER):
        limit = f"{MAX_FLOAT:g}" if is_float else "2^63"
        raise ValueError(f"{field} expects a number below {limit}, got {_brief(value)}")
    if isinstance(like, tuple) and isinstance(value, list | tuple):
        length = annotation.count(",") + 1
        if "..." not in annotation and len(value) != length:
            raise ValueError(f"{field} expects {length} values, got {_brief(tuple(value))}")
        return tuple(typed(field, item, like=like[0] if like else 0) for item in value)
    if is_float and is_number:
        return float(value)
    if type(like) is int and is_number and float(value).is_integer():
        return int(value)
    if type(value) is type(like):
        return value
    raise ValueError(f"{field} expects {TYPES[type(like)]} such as {like!r}, got {_brief(value)}")


def _brief(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python refuses to write integers of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _number(text: str) -> int | float | str:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _literal(text: str) -> Any:
    """The value that `text` writes in Python, or `text` itself if it writes none."""
    try:
        return ast.literal_eval(text)
    # An unhashable key, and text that nests too deeply.
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
