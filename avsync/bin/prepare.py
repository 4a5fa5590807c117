"""Raw videos to a dataset of clips: mouth crops at 25 fps and their sound at 16 kHz, in sync.

    avsync-prepare --dataset=synthetic_talkers --data_dir=data
    avsync-prepare --dataset=fakeavceleb --source=DIR --data_dir=data --split_list=test=test.csv
    avsync-prepare --dataset=fakeavceleb --data_dir=data --status

Killed and run again, it goes on where it was. Beside the dataset lie prepare_report.json and
rejects.jsonl, a line for each file that did not become a clip.
"""

import functools
import os
import shlex
import sys
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, run_binary, suppress_stderr
from avsync.preparation.job import Engine
from avsync.preparation.worker import DEFAULT_LIMITS, Limits
from avsync.preparation.workers import prepare_in_processes

DATASET = flags.DEFINE_string("dataset", None, "NAME or NAME/CONFIG.", required=True)
SOURCE = flags.DEFINE_string("source", None, "Folder or manifest of videos; not if synthetic.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where prepared datasets lie.", required=True)
WORKERS = flags.DEFINE_integer("workers", os.cpu_count() or 1, "Processes at work.", 1)
BEAM = flags.DEFINE_string("beam_options", None, "Prepare by Apache Beam: '--runner=NAME ...'.")
DETECTOR = flags.DEFINE_string("detector", "trees68", "What finds faces and their landmarks.")
LIMIT = flags.DEFINE_integer("limit", None, "Only so many clips of each split.", lower_bound=1)
LISTS = flags.DEFINE_multi_string("split_list", [], "SPLIT=FILE.csv: only its clips; repeatable.")
DISJOINT = flags.DEFINE_string("disjoint", None, "What no test clip may share with a train clip.")
RETRY = flags.DEFINE_bool("retry_rejects", False, "Try once more what earlier runs rejected.")
SECONDS = flags.DEFINE_float("clip_seconds", DEFAULT_LIMITS.seconds, "A file may take so long.", 0)
MEMORY = flags.DEFINE_float("clip_gigabytes", DEFAULT_LIMITS.gigabytes, "And so many GiB.", 0)
STATUS = flags.DEFINE_bool("status", False, "Only say how far it is, at work or stopped.")


def main(_: list[str]) -> None:
    with (
        suppress_stderr()
    ):  # and not at the top: the workers import this file but need no TensorFlow
        from avsync.preparation.dataset import Preparation
        from avsync.reports.card.card import write_card
    selection = {"limit": LIMIT.value, "split_list": LISTS.value, "disjoint": DISJOINT.value}
    data_dir = Path(DATA_DIR.value).expanduser().absolute()
    try:
        preparation = Preparation(DATASET.value, data_dir, num_workers=WORKERS.value, **selection)
    except ValueError as error:
        raise UsageError(str(error)) from error
    source = Path(SOURCE.value).expanduser().absolute() if SOURCE.value else None
    if STATUS.value:
        print(preparation.status())
        return
    if preparation.is_done(source):
        print(f"{DATASET.value} is prepared already: {preparation.directory}", file=sys.stderr)
        return
    if preparation.needs_source and not (source and source.exists()):
        raise UsageError(f"--source must be the folder of the raw videos, not {SOURCE.value}")
    limits = Limits(SECONDS.value, MEMORY.value)
    report = preparation.run(
        source,
        detector=DETECTOR.value,
        engine=_engine(),
        limits=limits,
        write_card=write_card,
        retry_rejects=RETRY.value,
    )
    done = f"{report['num_clips']} clips, {preparation.directory}"
    print(f"{DATASET.value} is prepared: {done}", file=sys.stderr)


def _engine() -> Engine:
    if BEAM.value is None:
        return functools.partial(prepare_in_processes, num_workers=WORKERS.value)
    try:
        from avsync.preparation.on_beam import prepare_on_beam
    except ImportError as error:
        raise UsageError(f"{error}: for --beam_options, pip install 'avsync[beam]'") from error
    return functools.partial(prepare_on_beam, options=shlex.split(BEAM.value))


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
