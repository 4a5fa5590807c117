"""Scores datasets with a checkpoint, with and without leading silence, and writes a report.

    avsync-evaluate --checkpoint=runs/grid --dataset=grid --data_dir=data --out=runs/grid/evaluation
    avsync-evaluate ... --dataset=grid/by_talker,crema_d --fabricate=all --out=DIR
    avsync-evaluate ... --dataset=grid --distort=standard --limit=200 --out=DIR

Writes scores.jsonl, frames.jsonl, metrics.json, overview.png, roc.png, scores.png and report.html.
Of several datasets, each has the folder NAME/SPLIT in --out; metrics.json and report.html compare
them. --calibrate keeps the scores of real clips with the checkpoint, for later p-values and
thresholds. --fabricate makes fakes of real clips. --distort writes distortions.jsonl,
distortions.png and distortions.html instead, and goes on where it was if it is run again.
"""

import functools
from pathlib import Path
from typing import Any

from absl import flags

from avsync.bin import _calibrating, _corpora, _distorted, _model_flags, _test_flags
from avsync.bin.base import UsageError, existing, local, run_binary, say, suppress_stderr

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "WORKDIR[/checkpoints/STEP], or hf://OWNER/NAME.", required=True
)
ALSO = flags.DEFINE_multi_string("also", [], "NAME=CHECKPOINT: score by this too, as NAME")
flags.register_validator("also", lambda a: all("=" in x for x in a), "expected NAME=CHECKPOINT")
COMPARE = flags.DEFINE_string("compare", "alignment", "Score to compare all others with.")
CALIBRATE = flags.DEFINE_bool("calibrate", False, "Keep the scores of this split, of real clips.")
OUT = flags.DEFINE_string("out", None, "Folder for the report.", required=True)
POOLING = flags.DEFINE_string("pooling", None, "Pooling of frame scores, instead of the config's.")
for shared in (_test_flags, _model_flags):
    flags.adopt_module_key_flags(shared)


def main(_: list[str]) -> None:
    datasets = _test_flags.require_clips()
    if _test_flags.DISTORT.value and (ALSO.value or CALIBRATE.value):
        raise UsageError("--distort scores by one checkpoint: leave out --also and --calibrate")
    if len(datasets) > 1 and (_test_flags.DISTORT.value or CALIBRATE.value):
        raise UsageError("--distort and --calibrate need a single dataset")
    place = (local if CALIBRATE.value else existing)(CHECKPOINT.value, "checkpoint")
    out_dir, parts = Path(OUT.value).expanduser(), _model_flags.parts()
    with suppress_stderr():  # not at the top of the file: --help need not wait for TensorFlow
        from avsync import checkpoint, runtime
        from avsync.evaluation import corpora
        from avsync.reports.corpora import report

        runtime.start()
    try:
        workdir, step = checkpoint.find(place)
    except ValueError as error:
        raise UsageError(str(error)) from error
    others = dict(x.split("=", 1) for x in ALSO.value)
    load = _corpora.loader(workdir, step, others, **parts, pooling=POOLING.value)
    name = f"{workdir}/{checkpoint.FOLDER}/{step}"
    if _test_flags.DISTORT.value:
        _distorted.score(datasets[0], load, checkpoint=name, out_dir=out_dir)
        return
    known = None if CALIBRATE.value else checkpoint.read_calibration(workdir, step)
    scored = _corpora.score_each(datasets, load, known)
    if not runtime.is_first():
        list(scored)
        return  # the first process has the lines of all
    if CALIBRATE.value:
        scored = list(scored)
        known = corpora.calibrate(scored[0]) | _calibrating.verdicts(scored[0], load)
        say(checkpoint.keep_calibration(workdir, step, known))
    about: Any = {"checkpoint": name, "calibration": known, "compared_with": COMPARE.value}
    for page in report.write_reports(scored, out_dir, **about, is_single=len(datasets) == 1):
        say(f"report: {page}")


run = functools.partial(run_binary, main, read={"data_dir"})

if __name__ == "__main__":
    run()
