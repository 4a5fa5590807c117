"""What avsync-score does with many files: workers, pictures, frame scores."""

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
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
    list(job.PICTURES),
    "Scored files that get a picture, which takes four times the work of scoring a clip of 3 s: "
    "all, those whose verdict is neither consistent nor not judged, or none.",
)
PAGES = flags.DEFINE_bool(
    "report", False, "Write a page for each file that gets a picture: its video and all findings."
)
FRAMES = flags.DEFINE_bool("frames", False, "Write the score of every frame to frames.jsonl.")
RETRY = flags.DEFINE_bool("retry_failed", False, "Score files again that have no score.")


def explained() -> job.Explained:
    """The rule for pictures and pages of scored files; UsageError if no file would get a page."""
    if PAGES.value and PICTURES.value == "none":
        raise UsageError("--report writes pages for files with a picture: not with --pictures=none")
    return job.Explained(PICTURES.value, PAGES.value)


@contextlib.contextmanager
def opened(
    out_dir: Path, paths: Sequence[Path], shown: job.Explained, **reading: Any
) -> Iterator[job.Job]:
    """The job as the flags say, with JAX started; `reading` are --detector and --audio_track."""
    begin = functools.partial(
        job.begin, out_dir, paths, **reading, explained=shown, limits=_limit_flags.limits(),
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
