"""Plug-ins by name: one file of a package is one plug-in, and there is no table to edit."""

import difflib
import importlib
import pkgutil
from collections.abc import Collection
from types import ModuleType


def names(package: str) -> list[str]:
    """The plug-ins of `package` ("datasets", "models.encoders"): its modules, sorted by name.

    `base`, sub-packages and modules that start with an underscore are not plug-ins.
    """
    root = importlib.import_module(f"avsync.{package}")
    found = (module.name for module in pkgutil.iter_modules(root.__path__) if not module.ispkg)
    return sorted(name for name in found if name != "base" and not name.startswith("_"))


def load(package: str, name: str) -> ModuleType:
    """The module `avsync.<package>.<name>`; ValueError lists the known names if there is none."""
    require(f"name in avsync.{package}", name, names(package))
    return importlib.import_module(f"avsync.{package}.{name}")


def require(kind: str, name: str, known: Collection[str]) -> str:
    """`name`, checked: ValueError names the nearest of the `known` names if it is none of them."""
    if name not in known:
        raise ValueError(unknown(kind, name, list(known)))
    return name


def unknown(kind: str, name: str, known: list[str]) -> str:
    """An error text that names the nearest of the known names first."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind}: {name!r}{hint} Known: {', '.join(known)}."
