"""Prepares raw videos as a dataset of clips: mouth crops at 25 fps and sound at 16 kHz, in sync.

    avsync-prepare --dataset=synthetic_talkers --data_dir=data
    avsync-prepare --dataset=fakeavceleb --source=DIR --data_dir=data --split_list=test=test.csv
    avsync-prepare --dataset=fakeavceleb --data_dir=data --status
    avsync-prepare --dataset=voxceleb2 --source=DIR --data_dir=/data --engine=dask://HOST:8786

A preparation that was killed resumes when it is run again. It writes prepare_report.json and
rejects.jsonl, one line per file that was rejected, beside the dataset.
"""

import functools
import sys
from pathlib import Path

from absl import flags

from avsync.bin import _engine_flags, _limit_flags
from avsync.bin.base import UsageError, run_binary, say

DATASET = flags.DEFINE_string("dataset", None, "Dataset, NAME or NAME/CONFIG.", required=True)
SOURCE = flags.DEFINE_string("source", None, "Folder or manifest of the raw videos.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the prepared datasets.", required=True)
DETECTOR = flags.DEFINE_string("detector", "trees68", "Face and landmark detector.")
LIMIT = flags.DEFINE_integer("limit", None, "Maximum number of clips per split.", lower_bound=1)
LISTS = flags.DEFINE_multi_string("split_list", [], "SPLIT=FILE.csv: the clips to use.")
DISJOINT = flags.DEFINE_string("disjoint", None, "Attribute that test must not share with train.")
STORAGE = flags.DEFINE_string("storage", "png", "Storage of mouth crops: png, jpeg95 or raw.")
FORMAT = flags.DEFINE_string("file_format", "tfrecord", "Format: tfrecord or array_record.")
RETRY = flags.DEFINE_bool("retry_rejects", False, "Try rejected files again.")
STATUS = flags.DEFINE_bool("status", False, "Print the progress and exit.")
flags.adopt_module_key_flags(_engine_flags)
flags.adopt_module_key_flags(_limit_flags)


def main(_: list[str]) -> None:
    from avsync.preparation.dataset import Preparation  # not at the top: workers need none of it
    from avsync.reports.card.card import write_card

    engine, num_workers = _engine_flags.engine(), _engine_flags.WORKERS.value
    selection = {"limit": LIMIT.value, "split_list": LISTS.value, "disjoint": DISJOINT.value}
    selection |= {"storage": STORAGE.value, "file_format": FORMAT.value}
    data_dir = Path(DATA_DIR.value).expanduser().absolute()
    try:
        preparation = Preparation(DATASET.value, data_dir, num_workers=num_workers, **selection)
    except ValueError as error:
        raise UsageError(str(error)) from error
    source = Path(SOURCE.value).expanduser().absolute() if SOURCE.value else None
    if STATUS.value:
        return say(preparation.status())
    if preparation.is_done(source):
        say(f"{DATASET.value} already prepared: {preparation.directory}", file=sys.stderr)
        return
    if preparation.needs_source and not (source and source.exists()):
        reason = f"not found: {source}" if source else "required"
        raise UsageError(f"--source, the folder or manifest of the raw videos, is {reason}")
    how = {"engine": engine, "engine_name": _engine_flags.name(), "limits": _limit_flags.limits()}
    report = preparation.run(
        source, detector=DETECTOR.value, write_card=write_card, retry_rejects=RETRY.value, **how
    )
    done = f"{report['num_clips']} clips, {preparation.directory}"
    say(f"{DATASET.value} prepared: {done}", file=sys.stderr)


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
