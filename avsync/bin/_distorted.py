"""The option --distort of avsync-evaluate: one evaluation for each distortion of a grid."""

from pathlib import Path

from avsync.bin import _test_clips, _test_flags
from avsync.bin._corpora import Load
from avsync.bin.base import UsageError, say
from avsync.config import files


def score(dataset: str, load: Load, *, checkpoint: str, out_dir: Path) -> None:
    """Scores the clips under each distortion of --distort that is not done; writes the report."""
    from avsync import runtime
    from avsync.distortions.base import require_grid
    from avsync.evaluation import distorted
    from avsync.reports.distortions import report

    try:
        grid = require_grid(files.run(files.DISTORT, str(_test_flags.DISTORT.value)))
        clips = _test_clips.open_clips(dataset)
    except ValueError as error:
        raise UsageError(str(error)) from error
    scorer, score_views = load(None)
    cells = distorted.run(
        clips,
        score_views,
        grid,
        out_dir=out_dir,
        about={
            "dataset": clips.source.dataset,
            "split": clips.source.split,
            "limit": _test_flags.LIMIT.value,
            "checkpoint": checkpoint,
            "fingerprint": scorer.fingerprint,
            "fakes": clips.fabricated["summary"] if clips.fabricated else "those of the dataset",
        },
        rules={"frame_score": scorer.frame_score, "pooling": scorer.pooling},
        batch_size=_test_flags.BATCH_SIZE.value,
        seed=_test_flags.SEED.value,
    )
    if runtime.is_first():
        report.print_table(report.write_report(cells, out_dir))
        say(f"report: {out_dir / report.PAGE}")
