"""Raw videos to a dataset of clips: mouth crops at 25 fps and their sound at 16 kHz, in sync.

    avsync-prepare --dataset=synthetic_talkers --data_dir=data
    avsync-prepare --dataset=fakeavceleb --source=DIR --data_dir=data --split_list=test=test.csv

Killed and run again, it goes on where it was. Beside the dataset lie prepare_report.json and
rejects.jsonl, a line for each file that did not become a clip.
"""

import functools
import os
import shutil
import sys
from pathlib import Path
from time import monotonic

from absl import flags

from avsync.bin.base import UsageError, hushed, run_binary
from avsync.prepare import job
from avsync.prepare.progress import show_progress

DATASET = flags.DEFINE_string("dataset", None, "NAME or NAME/CONFIG.", required=True)
SOURCE = flags.DEFINE_string("source", None, "Folder or manifest of videos; not if synthetic.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where prepared datasets lie.", required=True)
WORKERS = flags.DEFINE_integer("workers", os.cpu_count() or 1, "Processes at work.")
DETECTOR = flags.DEFINE_string("detector", "dlib68", "What finds faces and their landmarks.")
LIMIT = flags.DEFINE_integer("limit", None, "Only so many clips of each split.", lower_bound=1)
LISTS = flags.DEFINE_multi_string("split_list", [], "SPLIT=FILE.csv: only its clips; repeatable.")
DISJOINT = flags.DEFINE_string("disjoint", None, "What no test clip may share with a train clip.")
RETRY = flags.DEFINE_bool("retry_rejects", False, "Try once more what earlier runs rejected.")


def main(_: list[str]) -> None:
    start = monotonic()
    with hushed():  # and not at the top: the workers import this file but need no TensorFlow
        from avsync.datasets import base
    settings = {"limit": LIMIT.value, "split_list": LISTS.value, "disjoint": DISJOINT.value}
    try:
        builder_class = base.builder_class(DATASET.value)
        selection = base.Selection.parse(**settings)
    except ValueError as error:
        raise UsageError(str(error)) from error
    options = {"config": DATASET.value.partition("/")[2] or None, "num_workers": WORKERS.value}
    options |= {"data_dir": Path(DATA_DIR.value).expanduser(), "limit": LIMIT.value}
    builder = builder_class(**options)
    directory = Path(builder.data_dir)
    if job.read_report(directory, settings=settings):
        print(f"{DATASET.value} is prepared already: {directory}", file=sys.stderr)
        return
    work = directory.parent / "preparing"
    if RETRY.value:
        job.forget_rejects(work)
    if issubclass(builder_class, base.MediaBuilder):
        media, splits, notes = builder_class.plan(_source(), selection)
        print(*notes, sep="\n", file=sys.stderr)
        how = {"detector": DETECTOR.value, "num_workers": WORKERS.value}
        with show_progress(len(media)) as progress:
            clips, rejects, report = job.prepare_media(media, work, progress=progress, **how)
        builder_class(prepared=clips, splits=splits, **options).write()
        report["notes"] = notes
    else:
        builder.write()
        rejects, report = [], builder.contents() | {"num_rejected": 0, "by_reason": {}}
    report |= {**settings, "num_workers": WORKERS.value, "seconds": round(monotonic() - start, 1)}
    job.write_reports(rejects, report, directory)
    shutil.rmtree(work, ignore_errors=True)
    print(f"{DATASET.value} is prepared: {report['num_clips']} clips, {directory}", file=sys.stderr)


def _source() -> Path:
    if not SOURCE.value or not (path := Path(SOURCE.value).expanduser()).exists():
        raise UsageError(f"--source must be the folder of the raw videos, not {SOURCE.value}")
    return path


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
