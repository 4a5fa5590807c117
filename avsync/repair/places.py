"""Where the copies of files lie."""

from collections.abc import Sequence
from pathlib import Path


def copies(paths: Sequence[Path], places: Sequence[str], out_dir: Path) -> dict[Path, Path]:
    """Where the copy of each file is written, by file.

    A file of a folder among `places` keeps its place below that folder; others lie in `out_dir`
    itself. Of a folder that holds `out_dir`, the files in there are left out: they are the copies
    of an earlier job. ValueError if such a folder lies in `out_dir`, or nothing is left.
    """
    folders = [folder for place in places if (folder := Path(place).expanduser()).is_dir()]
    for folder in folders:
        if folder.resolve().is_relative_to(out_dir.resolve()):
            raise ValueError(f"{folder} lies in --out={out_dir}: choose another folder for copies")
    found = {}
    for path in paths:
        above = next((folder for folder in folders if path.is_relative_to(folder)), None)
        if above is None:
            found[path] = out_dir / path.name
        elif not path.resolve().is_relative_to(out_dir.resolve()):
            found[path] = out_dir / path.relative_to(above)
    if not found:
        raise ValueError(f"all files lie in --out={out_dir}: they are copies already")
    return found
