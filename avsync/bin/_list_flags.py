"""--where, --keep and --drop of avsync-score: lists of files by rule."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from avsync.bin.base import UsageError

RULE = "Rule for the lists: 'abs(offset_ms) <= 40', or consistent, in_sync, ebu, itu, lse."
WHERE = flags.DEFINE_string("where", None, RULE)
KEEP = flags.DEFINE_string("keep", None, "Write the paths of files for which --where holds there.")
DROP = flags.DEFINE_string("drop", None, "Write the paths of all other files there.")


def require_consistent(out_dir: Path, *, videos: Collection[Path]) -> None:
    """UsageError if lists lack a rule, a rule lists, a list its folder, or one would replace a
    video or the other list; `out_dir` will be created.
    """
    places = _places()
    if bool(places) != bool(WHERE.value):
        raise UsageError("--where=RULE needs --keep=FILE or --drop=FILE, and they need it")
    if len(set(places)) < len(places):
        raise UsageError(f"--keep and --drop are both {places[0]}: give them different names")
    taken = {path.absolute() for path in videos} if places else set()
    for place in places:
        if place in taken:
            raise UsageError(f"{place} is to be scored: --keep or --drop would replace it")
        if not place.parent.is_dir() and place.parent != out_dir.absolute():
            raise UsageError(f"{place.parent}: no such folder, to write {place.name} to")


def outputs() -> Sequence[Callable[[Path], Any]]:
    """The lists of the flags, as functions of the folder; UsageError if the rule is wrong."""
    if WHERE.value is None:
        return []
    from avsync.reports.video.record import example_values
    from avsync.reports.video.rule import Rule
    from avsync.reports.video.tables import PathLists

    try:
        rule = Rule(WHERE.value, known=example_values())
    except ValueError as error:
        raise UsageError(str(error)) from error
    keep, drop = (Path(p).expanduser() if p else None for p in (KEEP.value, DROP.value))
    return [lambda _: PathLists(rule, keep=keep, drop=drop)]


def _places() -> list[Path]:
    return [Path(p).expanduser().absolute() for p in (KEEP.value, DROP.value) if p]
