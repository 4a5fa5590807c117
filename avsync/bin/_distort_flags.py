"""--distort of avsync-evaluate: an evaluation under each distortion of a grid."""

import textwrap
from pathlib import Path
from typing import Any

from absl import flags

from avsync.bin import _test_flags
from avsync.bin.base import UsageError, say
from avsync.config import files

DISTORT = flags.DEFINE_string(
    "distort",
    None,
    "Instead of one evaluation, one under each of these distortions: NAME[:ARG] or any file, "
    f"PATH.py[:ARG]. Known grids:\n{textwrap.indent(files.summary(files.DISTORT), '  ')}",
)


def require_clips(*, others: list[str], calibrates: bool) -> None:
    """UsageError unless the flags agree on what is tested on what."""
    _test_flags.require_clips()
    if DISTORT.value and not _test_flags.DATASET.value:
        raise UsageError("--distort needs --dataset: clips are distorted, not features")
    if DISTORT.value and (others or calibrates):
        raise UsageError("--distort scores by one checkpoint: leave out --also and --calibrate")
    if _test_flags.LIMIT.value and not (_test_flags.FABRICATE.value or DISTORT.value):
        raise UsageError("--limit needs --fabricate or --distort")


def score_distorted(scorer: Any, *, checkpoint: str, out_dir: Path) -> None:
    """Scores the clips under each distortion of --distort that is not done; writes the report."""
    from avsync import runtime, weights
    from avsync.distortions.base import require_grid
    from avsync.evaluation import distorted, scores
    from avsync.reports.distortions import report

    try:
        grid = require_grid(files.run(files.DISTORT, str(DISTORT.value)))
        clips = _test_flags.open_clips()
    except ValueError as error:
        raise UsageError(str(error)) from error
    cells = distorted.run(
        clips,
        scores.make_score_views(scorer, others={}),
        grid,
        out_dir=out_dir,
        about={
            "dataset": clips.source.dataset,
            "split": clips.source.split,
            "limit": _test_flags.LIMIT.value,
            "checkpoint": checkpoint,
            "fingerprint": weights.fingerprint({}, scorer.params),
            "fakes": clips.fabricated["summary"] if clips.fabricated else "those of the dataset",
        },
        rules={"frame_score": scorer.frame_score, "pooling": scorer.pooling},
        batch_size=_test_flags.BATCH_SIZE.value,
        seed=_test_flags.SEED.value,
    )
    if runtime.is_first():
        report.print_table(report.write_report(cells, out_dir))
        say(f"report: {out_dir / report.PAGE}")
