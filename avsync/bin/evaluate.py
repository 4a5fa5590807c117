"""Scores a dataset with a checkpoint, as it is and with leading silence trimmed, side by side.

    avsync-evaluate --checkpoint=runs/quickstart --dataset=synthetic_talkers --data_dir=data \\
        --out=runs/quickstart/evaluation

Writes scores.jsonl (a line a clip and view), metrics.json, roc.png, scores.png and report.html.
"""

from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, hushed, run_binary

CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "WORKDIR of a training (its best checkpoint) or WORKDIR/checkpoints/STEP.",
    required=True,
)
DATASET = flags.DEFINE_string(
    "dataset", None, "NAME or NAME/CONFIG, prepared in --data_dir.", required=True
)
SPLIT = flags.DEFINE_string("split", "test", "Which split to score.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Where prepared datasets lie.")
OUT = flags.DEFINE_string("out", None, "Where the report goes.", required=True)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Clips at once.", lower_bound=1)
POOLING = flags.DEFINE_string("pooling", None, "Instead of the config's: frame to clip score.")


def main(_: list[str]) -> None:
    with hushed():  # and not at the top: --help need not wait for TensorFlow
        from avsync import build, checkpoint, runtime
        from avsync.evaluation import embed, report

        runtime.start()
    try:
        workdir, step = checkpoint.find(Path(CHECKPOINT.value).expanduser())
        sources = embed.open_views(DATASET.value, SPLIT.value, data_dir=DATA_DIR.value)
        config = build.from_json(checkpoint.read_config(workdir))
        config.score.pooling = POOLING.value or config.score.pooling
        scorer = build.make_scorer(
            config,
            checkpoint.load_params(workdir, step),
            extraction=next(iter(sources.values())).extraction,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    out_dir = Path(OUT.value).expanduser()
    lines = list(
        embed.score_views(
            embed.views_of(sources, batch_size=BATCH_SIZE.value),
            **scorer._asdict(),
            total=sum(source.num_clips for source in sources.values()),
        )
    )
    embed.write_lines(lines, out_dir)
    metrics = report.write_report(
        lines,
        out_dir,
        dataset=DATASET.value,
        split=SPLIT.value,
        checkpoint=str(workdir / checkpoint.FOLDER / str(step)),
    )
    report.print_table(metrics)
    print(f"report: {out_dir / 'report.html'}")


def run() -> None:
    """The console script `avsync-evaluate`."""
    run_binary(main)


if __name__ == "__main__":
    run()
