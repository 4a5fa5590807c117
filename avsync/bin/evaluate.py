"""Scores a dataset with a checkpoint, as it is and with leading silence trimmed, side by side.

    avsync-evaluate --checkpoint=runs/quickstart --dataset=synthetic_talkers --data_dir=data \\
        --out=runs/quickstart/evaluation

Writes scores.jsonl, frames.jsonl, metrics.json, roc.png, scores.png and report.html. The scores of
a split of reals can be kept with --calibrate: later evaluations have p-values and thresholds then.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, existing, run_binary, suppress_stderr

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "WORKDIR (its best one) or WORKDIR/checkpoints/STEP.", required=True
)
DATASET = flags.DEFINE_string("dataset", None, "NAME or NAME/CONFIG, prepared in --data_dir.")
SPLIT = flags.DEFINE_string("split", "test", "Which split to score.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Where prepared datasets lie.")
FEATURES = flags.DEFINE_string("features_npz", None, "Instead: a folder of AVH-Align's features.")
LIST = flags.DEFINE_string("list", None, "FILE.csv of path,label: the clips of these features.")
TRIM = flags.DEFINE_enum("trim", "none", ["none", "leading"], "How these features were trimmed.")
ALSO = flags.DEFINE_multi_string("also", [], "NAME=CHECKPOINT: score by this one too. Repeat.")
COMPARE = flags.DEFINE_string("compare", "alignment", "The score that others are compared with.")
CALIBRATE = flags.DEFINE_bool("calibrate", False, "Keep the scores of these reals, as reference.")
OUT = flags.DEFINE_string("out", None, "Where the report goes.", required=True)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Clips at once.", lower_bound=1)
POOLING = flags.DEFINE_string("pooling", None, "Instead of the config's: frame to clip score.")


def main(_: list[str]) -> None:
    if bool(DATASET.value) == bool(FEATURES.value) or bool(FEATURES.value) != bool(LIST.value):
        raise UsageError("give either --dataset, or --features_npz and --list")
    place, out_dir = existing(CHECKPOINT.value, "checkpoint"), Path(OUT.value).expanduser()
    with suppress_stderr():  # and not at the top: --help need not wait for TensorFlow
        from avsync import build, checkpoint, runtime
        from avsync.evaluation import calibrated, embed, views
        from avsync.reports.evaluation import report

        runtime.start()
    try:
        workdir, step = checkpoint.find(place)
        if DATASET.value:
            place = {"data_dir": DATA_DIR.value, "batch_size": BATCH_SIZE.value}
            found = views.of_dataset(DATASET.value, SPLIT.value, **place)
        else:
            folder, clip_list = (Path(str(flag.value)).expanduser() for flag in (FEATURES, LIST))
            found = views.of_files(folder, clip_list, trim=TRIM.value, batch_size=BATCH_SIZE.value)
        kind = found.extraction
        scorer = build.load_scorer(workdir, step, extraction=kind, pooling=POOLING.value)
        others = {
            name: build.load_scorer(*checkpoint.find(Path(other).expanduser()), extraction=kind)
            for name, _, other in (text.partition("=") for text in ALSO.value)
        }
    except ValueError as error:
        raise UsageError(str(error)) from error
    lines, frames = embed.score_views(found, scorer, others=others)
    if not runtime.is_first():
        return  # the lines of all are with the first
    titles = {"dataset": found.dataset, "split": found.split}
    rules = {"frame_score": scorer.frame_score, "pooling": scorer.pooling}
    if CALIBRATE.value:
        checkpoint.write_calibration(workdir, step, calibrated.from_reals(lines, **titles, **rules))
    kept = calibrated.fitting(checkpoint.read_calibration(workdir, step), **rules)
    lines = calibrated.with_p_values(lines, kept)
    embed.write_lines(lines, frames, out_dir)
    report.print_table(report.write_report(
        lines, out_dir, **titles, checkpoint=f"{workdir}/{checkpoint.FOLDER}/{step}",
        frame_scores=frames, calibration=kept, compared_with=COMPARE.value,
    ))  # fmt: skip
    print(f"report: {out_dir / 'report.html'}")


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
