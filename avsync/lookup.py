"""Plug-ins by name: one file of a package is one plug-in, and there is no table to edit."""

import ast
import difflib
import functools
import importlib
import pkgutil
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

# Fields of a Flax module that no config holds: config.model.dtype serves the whole model, the form
# of a head's computation does not change what it computes, and Flax adds the other two.
NOT_IN_CONFIG = ("dtype", "form", "name", "parent")


class Field(NamedTuple):
    """A field of a plug-in.

    annotation: its type as written in the source, "tuple[int, ...]".
    description: its entry under "Attributes:" in the docstring of the class, in one line.
    """

    default: Any
    annotation: str
    description: str


def names(package: str) -> list[str]:
    """The plug-ins of `package` ("datasets", "models.encoders"): its modules, sorted by name.

    `base`, sub-packages and modules that start with an underscore are not plug-ins.
    """
    root = importlib.import_module(f"avsync.{package}")
    modules = (module.name for module in pkgutil.iter_modules(root.__path__) if not module.ispkg)
    return sorted(name for name in modules if name != "base" and not name.startswith("_"))


def load(package: str, name: str) -> ModuleType:
    """The module `avsync.<package>.<name>`; ValueError lists the known names if there is none."""
    require(f"name in avsync.{package}", name, names(package))
    return importlib.import_module(f"avsync.{package}.{name}")


@functools.cache
def fields(package: str, name: str, class_name: str) -> Mapping[str, Field]:
    """The fields of a plug-in's class by name, `NOT_IN_CONFIG` left out, in the order of the class.

    They are read from the source, because importing the module would import JAX and Flax: configs
    and --help must not wait for those. Defaults must therefore be literals. ValueError otherwise.
    """
    root = importlib.import_module(f"avsync.{package}")
    path = Path(root.__path__[0]) / f"{name}.py"
    classes = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    class_node = next((node for node in classes if node.name == class_name), None)
    if class_node is None:
        raise ValueError(f"{path} has no class {class_name}")
    descriptions = _described(ast.get_docstring(class_node) or "")
    annotated = {
        node.target.id: node
        for node in class_node.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return {
        field: Field(
            _literal(node.value, f"{path}:{node.lineno}"),
            ast.unparse(node.annotation),
            descriptions.get(field, ""),
        )
        for field, node in annotated.items()
        if field not in NOT_IN_CONFIG
    }


def require(kind: str, name: str, known: Collection[str]) -> str:
    """`name`, checked: ValueError names the nearest of the `known` names if it is none of them."""
    if name not in known:
        raise ValueError(unknown(kind, name, list(known)))
    return name


def unknown(kind: str, name: str, known: list[str]) -> str:
    """An error text that names the nearest of the known names first."""
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else "."
    return f"unknown {kind}: {name!r}{hint} Known: {', '.join(known)}."


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that is spelled most like `name`, or that `name` abbreviates; else None.

    "lr" abbreviates "learning_rate": it holds the first letters of the words.
    """
    if near := difflib.get_close_matches(name, known, n=1):
        return near[0]
    initials = {"".join(re.findall(r"(?<![a-z])[a-z]", one)): one for one in known}
    return initials.get(name)


def _literal(value: ast.expr | None, place: str) -> Any:
    try:
        return ast.literal_eval(value or ast.Name("missing"))
    except ValueError as error:
        given = ast.unparse(value) if value else "no default"
        raise ValueError(
            f"{place}: the default of a plug-in's field must be a literal, got {given}; configs "
            "read it without importing the module"
        ) from error


def _described(docstring: str) -> dict[str, str]:
    """The entries under "Attributes:"; "a, b: text" describes both."""
    _, _, section = docstring.partition("Attributes:\n")
    entries = re.findall(r"^ {2}([\w, ]+): ((?:.+\n?)(?:^ {4,}.+\n?)*)", section, re.MULTILINE)
    return {
        name.strip(): " ".join(text.split()) for names, text in entries for name in names.split(",")
    }
