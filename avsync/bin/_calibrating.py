"""What --calibrate of avsync-evaluate measures for verdicts on files."""

from typing import Any

from avsync.bin import _test_flags
from avsync.bin._corpora import Load


def verdicts(corpus: Any, load: Load) -> dict[str, Any]:
    """The entry "verdict" of the calibration by a scored `Corpus`; nothing for features.

    `load` loads the scorer.
    """
    from avsync.datasets.base import extracted_trims, open_source
    from avsync.evaluation.lines import TRIMS
    from avsync.input_pipeline.evaluation import whole_clips
    from avsync.scoring.video import reference_clips
    from avsync.types import SplitEdits

    data_dir = _test_flags.DATA_DIR.value
    name = corpus.dataset.partition("/")[0]
    if _test_flags.FEATURES.value or extracted_trims(name, data_dir=data_dir):
        return {}
    source = open_source(corpus.dataset, corpus.split, data_dir=data_dir)
    source = source._replace(edits=SplitEdits(corpus_late_frames=corpus.realigned_frames))
    scorer, _ = load(None)
    return {"verdict": reference_clips.measure(whole_clips(source, trim=TRIMS["trimmed"]), scorer)}
