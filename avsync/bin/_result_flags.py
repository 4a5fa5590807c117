"""What avsync-score does with many files: workers, pictures, frame scores, lists by rule."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from avsync.bin import _limit_flags
from avsync.bin.base import UsageError
from avsync.processes import MAX_WORKERS, default_workers
from avsync.reports.video import job
from avsync.types import PROCESSES

WORKERS = f"Worker processes, some 0.3 GB each. Default: one per core, at most {MAX_WORKERS}."
NUM_WORKERS = flags.DEFINE_integer("workers", None, WORKERS, 1)
PICTURES = flags.DEFINE_enum(
    "pictures",
    "all",
    ["all", "flagged", "none"],
    "Scored files that get a picture, which takes four times the work of scoring a clip of 3 s: "
    "all, those whose verdict is neither consistent nor not judged, or none.",
)
FRAMES = flags.DEFINE_bool("frames", False, "Write the score of every frame to frames.jsonl.")
RETRY = flags.DEFINE_bool("retry_failed", False, "Score files again that have no score.")
RULE = "Rule for the lists: 'abs(offset_ms) <= 40', or consistent, in_sync, ebu, itu, lse."
WHERE = flags.DEFINE_string("where", None, RULE)
KEEP = flags.DEFINE_string("keep", None, "Write the paths of files for which --where holds there.")
DROP = flags.DEFINE_string("drop", None, "Write the paths of all other files there.")


def require_consistent() -> None:
    """UsageError if lists lack a rule, a rule lists, or a list its folder."""
    places = [place for place in (KEEP.value, DROP.value) if place]
    if bool(places) != bool(WHERE.value):
        raise UsageError("--where=RULE needs --keep=FILE or --drop=FILE, and they need it")
    for place in places:
        if not Path(place).expanduser().absolute().parent.is_dir():
            raise UsageError(f"{Path(place).parent}: no such folder, to write {place} to")


@contextlib.contextmanager
def opened(out_dir: Path, paths: Sequence[Path], **reading: Any) -> Iterator[job.Job]:
    """The job as the flags say, with JAX started; `reading` are --detector and --audio_track."""
    begin = functools.partial(
        job.begin, out_dir, paths, **reading, limits=_limit_flags.limits(),
        num_workers=NUM_WORKERS.value or default_workers(),
        retry_failed=RETRY.value, with_frames=FRAMES.value,
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        # The share of one process among several is known once they have met.
        is_alone = os.environ.get(PROCESSES, "") in ("", "1")
        begun = stack.enter_context(begin()) if is_alone else None
        from avsync import runtime

        runtime.start()
        shared = {"host": runtime.this_host(), "wait_for_all": runtime.wait_for_all}
        yield begun or stack.enter_context(begin(**shared))


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
