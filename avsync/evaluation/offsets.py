"""The A/V offsets of the real clips, and the constant that they share."""

from collections.abc import Iterable, Sequence

import numpy as np

from avsync.evaluation.lines import Line, Metrics, offsets_of_reals
from avsync.metrics.corpus_offset import CorpusOffset, corpus_offset


def corpus(lines: Sequence[Line]) -> CorpusOffset:
    """The A/V offset that the real clips share, as they are stored."""
    offsets, num_left_out = offsets_of_reals(lines)
    return corpus_offset(offsets, num_left_out=num_left_out)


def describe_corpus(lines: Sequence[Line], *, realigned_frames: int) -> Metrics:
    """The fields of `corpus`, and by how many frames the sound of all clips was moved."""
    return {**corpus(lines)._asdict(), "realigned_frames": realigned_frames}


def of_reals(clips: Iterable[Line]) -> Metrics:
    """The offsets of real clips in video frames, with the sign of `offset_frames`.

    num_unmeasured: the real clips that are not judged, or are too short for their offset.
    """
    offsets = [clip.offset_frames if clip.is_judged else None for clip in clips if clip.is_real]
    known = np.array([offset for offset in offsets if offset is not None], float)
    is_measured = len(known) > 0
    return {
        "exact": float(np.mean(known == 0)) if is_measured else None,
        "within_1_frame": float(np.mean(np.abs(known) <= 1)) if is_measured else None,
        "median_frames": float(np.median(known)) if is_measured else None,
        "num_real": len(known),
        "num_unmeasured": len(offsets) - len(known),
    }
