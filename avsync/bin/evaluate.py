"""Scores a dataset with a checkpoint, with and without leading silence, and writes a report.

    avsync-evaluate --checkpoint=runs/grid --dataset=grid --data_dir=data --out=runs/grid/evaluation
    avsync-evaluate ... --dataset=lrs3 --fabricate=swap,splice --out=DIR
    avsync-evaluate ... --dataset=grid --distort=standard --limit=200 --out=DIR

Writes scores.jsonl, frames.jsonl, metrics.json, overview.png, roc.png, scores.png and report.html.
--calibrate keeps the scores of real clips with the checkpoint, for later p-values and thresholds.
--fabricate makes fakes of real clips. --distort writes distortions.jsonl, distortions.png and
distortions.html instead, and goes on where it was if it is run again.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin import _distorted, _model_flags, _test_flags
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
    _test_flags.require_clips()
    if _test_flags.DISTORT.value and (ALSO.value or CALIBRATE.value):
        raise UsageError("--distort scores by one checkpoint: leave out --also and --calibrate")
    place = (local if CALIBRATE.value else existing)(CHECKPOINT.value, "checkpoint")
    out_dir, parts = Path(OUT.value).expanduser(), _model_flags.parts()
    with suppress_stderr():  # not at the top of the file: --help need not wait for TensorFlow
        from avsync import build, checkpoint, runtime
        from avsync.evaluation import calibration, lines, scores
        from avsync.reports.evaluation import report

        runtime.start()
    try:
        workdir, step = checkpoint.find(place)
        clips = _test_flags.open_views()
        model = {"extraction": clips.extraction, **parts}
        scorer = build.load_scorer(workdir, step, **model, pooling=POOLING.value)
        others = build.load_others(dict(x.split("=", 1) for x in ALSO.value), **model)
    except ValueError as error:
        raise UsageError(str(error)) from error
    name = f"{workdir}/{checkpoint.FOLDER}/{step}"
    if _test_flags.DISTORT.value:
        _distorted.score(scorer, checkpoint=name, out_dir=out_dir)
        return
    scored, frames = scores.score_views(clips, scorer, others=others)
    if not runtime.is_first():
        return  # the first process has the lines of all
    about = {"dataset": clips.dataset, "split": clips.split}
    rules = {"frame_score": scorer.frame_score, "pooling": scorer.pooling}
    if CALIBRATE.value:
        kept = calibration.calibrate(scored, **about, **rules) | _test_flags.for_verdicts(scorer)
        say(checkpoint.keep_calibration(workdir, step, kept))
    known = calibration.matching(checkpoint.read_calibration(workdir, step), **rules)
    scored = calibration.with_p_values(scored, known)
    lines.write_lines(scored, frames, out_dir)
    report.print_table(report.write_report(
        scored, out_dir, **about, checkpoint=name,
        frame_scores=frames, calibration=known, compared_with=COMPARE.value,
        fabricated=clips.fabricated,
    ))  # fmt: skip
    say(f"report: {out_dir / 'report.html'}")


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
