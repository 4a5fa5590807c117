"""The structure of avsync, read from its source: modules, imports, cycles, crumbs.

python -m tests.structure      # rooms, files, lines, and what may be worth merging
"""

import ast
import graphlib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "avsync"

# A shorter file with one importer may belong into that importer. A report, not a limit: a plug-in
# that is found by its name has no importer, and some concepts are small.
CRUMB_LINES = 40


def modules() -> list[str]:
    """The dotted names of all modules of avsync, packages left out: "datasets.base"."""
    files = (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))
    return [".".join(path.with_suffix("").parts) for path in files if path.stem != "__init__"]


def path_of(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported anywhere in `source`, functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def import_graph() -> dict[str, set[str]]:
    """The modules of avsync that each module imports."""
    known = set(modules())
    graph: dict[str, set[str]] = {}
    for module in known:
        names = (name.removeprefix("avsync.") for _, name in imports(path_of(module).read_text()))
        candidates = {part for name in names for part in (name, name.rpartition(".")[0])}
        graph[module] = candidates & known - {module}
    return graph


def find_cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """One import cycle, first and last module equal; [] if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def crumbs(
    graph: Mapping[str, set[str]], num_lines: Mapping[str, int]
) -> list[tuple[str, int, str]]:
    """(module, lines, importer) of short modules that a single module imports."""
    found = []
    for module in sorted(graph):
        importers = [name for name, imported in graph.items() if module in imported]
        if num_lines[module] < CRUMB_LINES and len(importers) == 1:
            found.append((module, num_lines[module], importers[0]))
    return found


def report() -> str:
    """The numbers of the structure, and the modules that may be worth merging."""
    graph = import_graph()
    lines = {module: len(path_of(module).read_text().splitlines()) for module in graph}
    rooms: dict[str, list[int]] = {}
    for module, num_lines in sorted(lines.items()):
        rooms.setdefault(module.split(".")[0], []).append(num_lines)
    text = [f"{'room':16} files  lines"]
    text += [f"{room:16} {len(found):5}  {sum(found):5}" for room, found in rooms.items()]
    num_files, total = len(lines), sum(lines.values())
    text.append(f"{len(rooms)} rooms, {num_files} files, {total / num_files:.0f} lines each")
    text.append(f"cycle: {' -> '.join(find_cycle(graph)) or 'none'}")
    text.append(f"under {CRUMB_LINES} lines with one importer:")
    text += [f"  {module} ({n}) <- {importer}" for module, n, importer in crumbs(graph, lines)]
    return "\n".join(text)


if __name__ == "__main__":
    print(report())
