"""Scores a dataset with a checkpoint, with and without leading silence, and writes a report.

    avsync-evaluate --checkpoint=runs/grid --dataset=grid --data_dir=data --out=runs/grid/evaluation

Writes scores.jsonl, frames.jsonl, metrics.json, overview.png, roc.png, scores.png and report.html.
--calibrate keeps the scores of real clips with the checkpoint, for later p-values and thresholds.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin import _model_flags
from avsync.bin.base import UsageError, existing, local, run_binary, say, suppress_stderr

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "WORKDIR[/checkpoints/STEP], or hf://OWNER/NAME.", required=True
)
DATASET = flags.DEFINE_string("dataset", None, "Dataset in --data_dir, NAME or NAME/CONFIG.")
SPLIT = flags.DEFINE_string("split", "test", "Split to score.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets.")
FEATURES = flags.DEFINE_string("features_npz", None, "Features (CLIP.npz), instead of --dataset.")
LIST = flags.DEFINE_string("list", None, "FILE.csv with path,label: the clips of --features_npz.")
TRIM = flags.DEFINE_enum("trim", "none", ["none", "leading"], "Trimming of --features_npz.")
ALSO = flags.DEFINE_multi_string("also", [], "NAME=CHECKPOINT: score by this too, as NAME")
flags.register_validator("also", lambda a: all("=" in x for x in a), "expected NAME=CHECKPOINT")
COMPARE = flags.DEFINE_string("compare", "alignment", "Score to compare all others with.")
CALIBRATE = flags.DEFINE_bool("calibrate", False, "Keep the scores of this split, of real clips.")
OUT = flags.DEFINE_string("out", None, "Folder for the report.", required=True)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Clips per batch.", lower_bound=1)
POOLING = flags.DEFINE_string("pooling", None, "Pooling of frame scores, instead of the config's.")
flags.adopt_module_key_flags(_model_flags)


def main(_: list[str]) -> None:
    if bool(DATASET.value) == bool(FEATURES.value) or bool(FEATURES.value) != bool(LIST.value):
        raise UsageError("give either --dataset, or both --features_npz and --list")
    place = (local if CALIBRATE.value else existing)(CHECKPOINT.value, "checkpoint")
    out_dir, parts = Path(OUT.value).expanduser(), _model_flags.parts()
    with suppress_stderr():  # not at the top of the file: --help need not wait for TensorFlow
        from avsync import build, checkpoint, runtime
        from avsync.evaluation import calibration, lines, scores, views
        from avsync.reports.evaluation import report

        runtime.start()
    try:
        workdir, step = checkpoint.find(place)
        if DATASET.value:
            place = {"data_dir": DATA_DIR.value, "batch_size": BATCH_SIZE.value}
            clips = views.open_dataset(DATASET.value, SPLIT.value, **place)
        else:
            files = [Path(str(flag.value)).expanduser() for flag in (FEATURES, LIST)]
            clips = views.open_feature_files(*files, trim=TRIM.value, batch_size=BATCH_SIZE.value)
        model = {"extraction": clips.extraction, **parts}
        scorer = build.load_scorer(workdir, step, **model, pooling=POOLING.value)
        others = build.load_others(dict(x.split("=", 1) for x in ALSO.value), **model)
    except ValueError as error:
        raise UsageError(str(error)) from error
    scored, frames = scores.score_views(clips, scorer, others=others)
    if not runtime.is_first():
        return  # the first process has the lines of all
    about = {"dataset": clips.dataset, "split": clips.split}
    rules = {"frame_score": scorer.frame_score, "pooling": scorer.pooling}
    if CALIBRATE.value:
        say(calibration.keep(calibration.calibrate(scored, **about, **rules), workdir, step))
    known = calibration.matching(checkpoint.read_calibration(workdir, step), **rules)
    scored = calibration.with_p_values(scored, known)
    lines.write_lines(scored, frames, out_dir)
    report.print_table(report.write_report(
        scored, out_dir, **about, checkpoint=f"{workdir}/{checkpoint.FOLDER}/{step}",
        frame_scores=frames, calibration=known, compared_with=COMPARE.value,
    ))  # fmt: skip
    say(f"report: {out_dir / 'report.html'}")


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
