"""Raw videos to a dataset of clips: mouth crops at 25 fps and their sound at 16 kHz, in sync.

    avsync-prepare --dataset=grid --source=~/grid --data_dir=data
    avsync-prepare --dataset=synthetic_talkers --data_dir=data

Killed and run again, it goes on where it was. Beside the dataset lie prepare_report.json and
rejects.jsonl, a line for each file that did not become a clip.
"""

import functools
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, hushed, run_binary
from avsync.prepare import job
from avsync.prepare.progress import show_progress
from avsync.types import MediaFile

DATASET = flags.DEFINE_string("dataset", None, "NAME or NAME/CONFIG.", required=True)
SOURCE = flags.DEFINE_string("source", None, "Folder of the raw videos; synthetic ones need none.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where prepared datasets lie.", required=True)
WORKERS = flags.DEFINE_integer("workers", os.cpu_count() or 1, "Processes at work.")
DETECTOR = flags.DEFINE_string("detector", "dlib68", "What finds faces and their landmarks.")
LIMIT = flags.DEFINE_integer("limit", None, "Only the first so many clips.", lower_bound=1)
RETRY = flags.DEFINE_bool("retry_rejects", False, "Try once more what earlier runs rejected.")


def main(_: list[str]) -> None:
    started = time.monotonic()
    with hushed():  # and not at the top: the workers import this file but need no TensorFlow
        from avsync.datasets import base
    try:
        builder_class = base.builder_class(DATASET.value)
    except ValueError as error:
        raise UsageError(str(error)) from error
    options = {"config": DATASET.value.partition("/")[2] or None, "num_workers": WORKERS.value}
    options |= {"data_dir": Path(DATA_DIR.value).expanduser(), "limit": LIMIT.value}
    builder = builder_class(**options)
    directory = Path(builder.data_dir)
    if job.read_report(directory, limit=LIMIT.value):
        print(f"{DATASET.value} is prepared already: {directory}", file=sys.stderr)
        return
    work = directory.parent / "preparing"
    if issubclass(builder_class, base.MediaBuilder):
        clips, rejects, report = _prepare(builder_class.find_media, work)
        builder_class(prepared=clips, **options).write()
    else:
        builder.write()
        rejects, report = [], builder.contents() | {"num_rejected": 0, "by_reason": {}}
    seconds = round(time.monotonic() - started, 1)
    report |= {"limit": LIMIT.value, "num_workers": WORKERS.value, "seconds": seconds}
    job.write_reports(rejects, report, directory)
    shutil.rmtree(work, ignore_errors=True)
    print(f"{DATASET.value} is prepared: {report['num_clips']} clips, {directory}", file=sys.stderr)


def _prepare(find_media: Callable[[Path], list[MediaFile]], work: Path) -> job.PreparedMedia:
    source = Path(SOURCE.value or "").expanduser()
    if not SOURCE.value or not source.is_dir():
        raise UsageError(f"--source must be the folder of the raw videos, not {SOURCE.value}")
    if RETRY.value:
        job.forget_rejects(work)
    media = find_media(source)[: LIMIT.value]
    with show_progress(len(media)) as progress:
        return job.prepare_media(
            media, work, detector=DETECTOR.value, num_workers=WORKERS.value, progress=progress
        )


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
