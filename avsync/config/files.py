"""The files of configs/, of its sweeps/ and distortions/, found by name from anywhere, or by path.

NAME[:ARG] is a file of the configs folder, PATH.py[:ARG] any file; `configs/NAME.py` is found in
the configs folder where the working directory has none.
"""

import ast
import importlib.util
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from avsync import lookup

# Wheels carry the folder inside the package; in the repository it lies beside the package.
PACKAGE = Path(__file__).parent.parent
FOLDER = PACKAGE / "configs" if (PACKAGE / "configs").is_dir() else PACKAGE.parent / "configs"

# The table of all config fields, and how to train and sweep.
README = FOLDER / "README.md"


class ArgumentError(ValueError):
    """The ARG of NAME:ARG is invalid; the message needs no file and line."""


class Kind(NamedTuple):
    """A kind of file: its name in messages, its folder, and the function that it must define."""

    name: str
    folder: Path
    function: str


CONFIG = Kind("config", FOLDER, "get_config")
SWEEP = Kind("sweep", FOLDER / "sweeps", "get_sweep")
DISTORT = Kind("distort", FOLDER / "distortions", "get_distortions")


def run(kind: Kind, text: str) -> Any:
    """The result of the file's function for ARG; `text` is NAME[:ARG] or PATH.py[:ARG].

    ValueError names the nearest known file if there is no such file, and file and line if its code
    fails.
    """
    path, arg = find(kind, text)
    module = _guarded(path, lambda: _imported(path))
    function = getattr(module, kind.function, None)
    if function is None:
        raise ValueError(f"{path} has no function {kind.function}(arg), as a {kind.name} file must")
    try:
        return _guarded(path, lambda: function(arg))
    except ArgumentError as error:
        raise ArgumentError(f"--{kind.name}={text}: {error}") from error


def find(kind: Kind, text: str) -> tuple[Path, str]:
    """The path and the ARG of NAME[:ARG] or PATH.py[:ARG].

    ValueError names the nearest known file if there is no such file.
    """
    match = re.fullmatch(r"(.*?\.py|[^:]*)(?::(.*))?", text, re.DOTALL)
    place, arg = (match[1], match[2] or "") if match else (text, "")
    known = names(kind)
    if not place.endswith(".py"):
        return kind.folder / f"{lookup.require(kind.name, place, known)}.py", arg
    path = Path(place).expanduser()
    shipped = FOLDER.parent / path  # an absolute path stays as it is
    for candidate in (path, shipped):
        if candidate.is_file():
            return candidate, arg
    beside = {other.stem: other.as_posix() for other in sorted(path.parent.glob("*.py"))}
    stems = beside or {name: name for name in known}
    near = lookup.nearest(path.stem, list(stems))
    hint = f"; did you mean {stems[near]!r}?" if near else "."
    raise ValueError(
        f"{kind.name} not found: {place}{hint} Known {kind.name}s: {', '.join(known)}."
    )


def whole_number(arg: str, *, default: int) -> int:
    """ARG as a number, `default` if it is empty; ArgumentError if it is not a number."""
    if not (arg or str(default)).isdecimal():
        raise ArgumentError(f"expected a number such as {default}, got {arg!r}")
    return int(arg or default)


def names(kind: Kind) -> list[str]:
    """The names of the shipped files, sorted."""
    return sorted(path.stem for path in kind.folder.glob("*.py"))


def summary(kind: Kind) -> str:
    """One line for each shipped file: name, variants and the first line of its docstring."""
    lines = []
    for name in names(kind):
        tree = ast.parse((kind.folder / f"{name}.py").read_text(encoding="utf-8"))
        first_line = (ast.get_docstring(tree) or "").partition("\n")[0]
        variants = "|".join(_variants(tree))
        lines.append(f"{name}{f'[:{variants}]' if variants else ''}: {first_line}")
    return "\n".join(lines)


def _variants(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VARIANTS":
            return [name for name in ast.literal_eval(node.value) if name]
    return []


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _guarded(path: Path, call: Callable[[], Any]) -> Any:
    """The result of `call`; ValueError names the line of `path` where its code fails."""
    try:
        return call()
    except ArgumentError:
        raise
    except SyntaxError as error:
        raise ValueError(f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}") from error
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        # Python names the file of a module by its absolute path.
        lines = [frame.lineno for frame in frames if frame.filename == str(path.absolute())]
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ValueError(f"{path}:{lines[-1] if lines else 0}: {kind}{_text(error)}") from error


def _text(error: BaseException) -> str:
    """The message of `error` in one line; ml_collections wraps the one that matters in another."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    text = str(error.args[0]) if len(error.args) == 1 else str(error)
    return " ".join(text.split())
