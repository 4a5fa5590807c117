"""Raw videos to a dataset of clips: mouth crops at 25 fps and their sound at 16 kHz, in sync.

    avsync-prepare --dataset=grid --source=~/grid --data_dir=data
    avsync-prepare --dataset=synthetic_talkers --data_dir=data

Killed and run again, it goes on where it was. Beside the dataset it writes rejects.jsonl, a line
for each file that did not become a clip, and prepare_report.json.
"""

import contextlib
import io
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from avsync import lookup
from avsync.bin.base import UsageError, run_binary
from avsync.prepare import job
from avsync.prepare.progress import show_progress
from avsync.types import MediaFile

if TYPE_CHECKING:
    from avsync.datasets.base import ClipBuilder

DATASET = flags.DEFINE_string("dataset", None, "NAME or NAME/CONFIG.", required=True)
SOURCE = flags.DEFINE_string("source", None, "Folder of the raw videos; synthetic ones need none.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where prepared datasets lie.", required=True)
WORKERS = flags.DEFINE_integer("workers", os.cpu_count(), "Processes at work.", lower_bound=1)
DETECTOR = flags.DEFINE_string("detector", "dlib68", "What finds faces and their landmarks.")
LIMIT = flags.DEFINE_integer("limit", None, "Only the first so many clips.", lower_bound=1)
RETRY = flags.DEFINE_bool("retry_rejects", False, "Try once more what earlier runs rejected.")


def main(arguments: list[str]) -> None:
    del arguments
    # Here and not above: each worker process imports this file, and none needs TensorFlow.
    from avsync.datasets.base import MediaBuilder

    started = time.monotonic()
    builder_class, options = _dataset()
    directory = Path(builder_class(**options).data_dir)
    if report := job.read_report(directory):
        return _say_done(report, directory)
    # Not below the config: the clips of the raw files are the same in all configs.
    work = options["data_dir"] / builder_class.name / "preparing"
    if issubclass(builder_class, MediaBuilder):
        prepared = _prepare(builder_class.find_media, work)
        builder = builder_class(prepared=prepared.clips, **options)
        _write_dataset(builder)
        rejects, report = prepared.rejects, prepared.report
    else:
        builder = builder_class(**options)
        _write_dataset(builder)
        rejects, report = [], _report_of_generated(builder)
    report |= {"limit": LIMIT.value, "seconds": round(time.monotonic() - started, 1)}
    job.write_reports(rejects, report, directory)
    shutil.rmtree(work, ignore_errors=True)
    _say_done(report, directory)


def _dataset() -> tuple[Any, dict[str, Any]]:
    """The builder's class and its arguments; `UsageError` names the known datasets or configs."""
    from avsync.datasets import base

    try:
        builder_class = base.builder_class(DATASET.value)
    except ValueError as error:
        raise UsageError(str(error)) from error
    config = DATASET.value.partition("/")[2]
    known = [config.name for config in builder_class.BUILDER_CONFIGS]
    if config and config not in known:
        raise UsageError(lookup.unknown(f"config of {builder_class.name}", config, known))
    return builder_class, {
        "config": config or None,
        "data_dir": Path(DATA_DIR.value).expanduser(),
        "num_workers": WORKERS.value,
        "limit": LIMIT.value,
    }


def _prepare(find_media: Callable[[Path], list[MediaFile]], work: Path) -> job.PreparedMedia:
    if SOURCE.value is None:
        raise UsageError(f"{DATASET.value} is made from raw videos: say where with --source")
    source = Path(SOURCE.value).expanduser()
    if not source.is_dir():
        raise UsageError(f"--source: no folder {source}")
    media = find_media(source)[: LIMIT.value]
    if RETRY.value:
        job.forget_rejects(work)
    with show_progress(len(media)) as progress:
        prepared = job.prepare_media(
            media, work, detector=DETECTOR.value, num_workers=WORKERS.value, progress=progress
        )
    if not prepared.clips:
        raise ValueError(
            f"not one of {len(media)} files below {source} became a clip: "
            f"{prepared.report['by_reason']}; each is listed in {work / job.REJECTS}"
        )
    return prepared


def _write_dataset(builder: "ClipBuilder") -> None:
    import tensorflow_datasets as tfds

    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):  # it says "downloading"; nothing is
        builder.download_and_prepare()


def _report_of_generated(builder: "ClipBuilder") -> dict[str, Any]:
    num_clips = sum(split.num_examples for split in builder.info.splits.values())
    return {
        "num_clips": num_clips,
        "num_rejected": 0,
        "by_reason": {},
        "num_workers": WORKERS.value,
    }


def _say_done(report: dict[str, Any], directory: Path) -> None:
    if report["limit"] != LIMIT.value:
        raise UsageError(
            f"{directory} was prepared with --limit={report['limit']}, not {LIMIT.value}: "
            "remove it, or use another --data_dir"
        )
    print(
        f"{DATASET.value} is prepared: {report['num_clips']} clips, {report['num_rejected']} "
        f"files rejected; see {directory}",
        file=sys.stderr,
    )


def run() -> None:
    """The console script."""
    run_binary(main)


if __name__ == "__main__":
    run()
