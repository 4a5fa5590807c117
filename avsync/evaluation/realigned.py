"""Scores the clips of a corpus as they are, and realigned by the A/V offset that its reals share.

A constant delay of the whole corpus (an encoder, a camera) is no manipulation, but costs every real
clip its alignment. Realigned clips go through the model again: another column of the same logits
would be wrong, see `avsync.scoring.video.clip_scorer`.
"""

from collections.abc import Callable

from avsync import lookup
from avsync.evaluation.corpora import Corpus
from avsync.evaluation.lines import Line, offsets_of_reals
from avsync.evaluation.scores import AS_STORED, SCORE, Evaluated
from avsync.evaluation.views import Views
from avsync.metrics.corpus_offset import corpus_offset
from avsync.scoring.scorer import Scorer

BY_CORPUS, NONE = "corpus", "none"
REALIGNMENTS = [BY_CORPUS, NONE]


def score(
    open_views: Callable[[int], Views],
    scorer: Scorer,
    score_views: Callable[[Views], Evaluated],
    *,
    realigns: str,
    known_frames: int = 0,
) -> Corpus:
    """The clips of `open_views(n)`, sound moved n frames earlier, scored for n = 0 and as needed.

    With `realigns` `BY_CORPUS`, n is the offset that the real clips share, if it is sure, else
    `known_frames`. Then all scores are those of the moved clips, with `AS_STORED` for comparison;
    offsets stay those of the stored ones. With `NONE`, and where n is 0, nothing is moved.
    """
    lookup.require("realignment", realigns, REALIGNMENTS)
    views = open_views(0)
    scored = score_views(views)
    offset = corpus_offset(*offsets_of_reals(scored.lines))
    frames = offset.constant_frames if offset.is_sure else known_frames
    if realigns == NONE or not frames:
        frames = 0
    else:
        before = {(line.view, line.clip_id): line for line in scored.lines}
        views = open_views(frames)
        moved = score_views(views)
        lines = [_with_stored(line, before.get((line.view, line.clip_id))) for line in moved.lines]
        scored = moved._replace(lines=lines)
    return Corpus(
        views.dataset,
        views.split,
        *scored,
        realigned_frames=frames,
        frame_score=scorer.frame_score,
        pooling=scorer.pooling,
        fabricated=views.fabricated,
    )


def _with_stored(line: Line, before: Line | None) -> Line:
    """`line` with what is known of the clip as stored; a fake that is made may differ by name."""
    return line.replace(
        offset_frames=before and before.offset_frames,
        offset_margin=before and before.offset_margin,
        scores={**line.scores, AS_STORED: before and before.scores[SCORE]},
    )
