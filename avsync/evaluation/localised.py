"""Where in a clip the forgery is, read off the scores of its frames."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from avsync.evaluation.lines import Line, Metrics
from avsync.metrics import localisation
from avsync.metrics.localisation import Localised
from avsync.types import REAL
from avsync.units import FRAMES_PER_SECOND

# Proposed segments have one of these lengths, a factor of sqrt 2 apart: 0.2 s to 12.8 s.
LENGTHS_FRAMES = tuple(round(5 * 2 ** (i / 2)) for i in range(13))

# Of two proposals that overlap more, the less confident one goes.
MAX_OVERLAP = 0.5
MAX_PROPOSALS = max(localisation.RECALL_PROPOSALS)

# A fake whose forged stretches are more of it than this has nothing to be localised.
MAX_FORGED_SHARE = 0.9


def localise(lines: Sequence[Line], frame_scores: Sequence[Sequence[float]]) -> Metrics:
    """By view and manipulation, how well its forged segments are found among all reals.

    Over the fakes that are forged in part. `ap` and `ar` are those of AV-Deepfake1M, over these
    fakes and all reals; so is `frame_auc`. `best_window_overlap` is how much of the worst window,
    of the length of the true segment, is forged, on average over these fakes.
    """
    views: dict[str, list[int]] = {}
    for i, line in enumerate(lines):
        if frame_scores[i]:
            views.setdefault(line["view"], []).append(i)
    clips = [np.asarray(scores, float) for scores in frame_scores]
    proposed = [propose(scores) for scores in clips]
    found: Metrics = {}
    for view, index in views.items():
        reals = [i for i in index if lines[i]["label"] == REAL]
        partial = [i for i in index if _is_partial(lines[i])]
        kinds = sorted({lines[i]["manipulation"] for i in partial})
        found[view] = {
            kind: _result(
                [i for i in partial if lines[i]["manipulation"] == kind],
                reals,
                lines,
                clips,
                proposed,
            )
            for kind in kinds
        }
        if len(kinds) > 1:
            found[view]["all"] = _result(partial, reals, lines, clips, proposed)
    return found


def propose(frame_scores: Float[np.ndarray, " t"]) -> Float[np.ndarray, "p 3"]:
    """Segments that stand out of a clip, most confident first: confidence, start, end (seconds).

    The confidence of a window of n frames is (its mean - the clip's median) * sqrt n: how far it
    stands out, in units of what the mean of n independent frames would deviate by. So a longer
    window wins as long as what it adds is bad too.
    """
    num_frames = len(frame_scores)
    typical = np.median(frame_scores) if num_frames else 0.0
    total = np.concatenate([[0.0], np.cumsum(frame_scores - typical)])
    windows = []
    for length in LENGTHS_FRAMES:
        if length < num_frames:
            start = np.arange(num_frames - length + 1)
            confidence = (total[length:] - total[:-length]) / np.sqrt(length)
            windows.append(np.stack([confidence, start, start + length], axis=1))
    if not windows:
        return np.zeros((0, 3))
    ranked = np.concatenate(windows)
    ranked = ranked[ranked[:, 0] > 0]
    ranked = ranked[np.argsort(-ranked[:, 0], kind="stable")]
    kept = []
    while len(ranked) and len(kept) < MAX_PROPOSALS:
        best, ranked = ranked[0], ranked[1:]
        kept.append(best)
        inner = np.minimum(best[2], ranked[:, 2]) - np.maximum(best[1], ranked[:, 1])
        outer = np.maximum(best[2], ranked[:, 2]) - np.minimum(best[1], ranked[:, 1])
        ranked = ranked[inner <= MAX_OVERLAP * outer]
    segments = np.array(kept).reshape(-1, 3)
    segments[:, 1:] /= FRAMES_PER_SECOND
    return segments


def _is_partial(line: Line) -> bool:
    forged = sum(end - start for start, end in line["fake_segments"])
    seconds = line["num_frames"] / FRAMES_PER_SECOND
    return line["label"] != REAL and 0 < forged <= MAX_FORGED_SHARE * seconds


def _result(
    fakes: Sequence[int],
    reals: Sequence[int],
    lines: Sequence[Line],
    clips: Sequence[np.ndarray],
    proposed: Sequence[np.ndarray],
) -> Metrics:
    forged = {i: np.asarray(lines[i]["fake_segments"], float).reshape(-1, 2) for i in fakes}
    nothing = np.zeros((0, 2))
    judged = [*fakes, *reals]
    pairs = [Localised(proposed[i], forged.get(i, nothing)) for i in judged]
    return {
        "num_fake": len(fakes),
        "num_real": len(reals),
        "frame_auc": localisation.frame_auc(
            [clips[i] for i in judged], [forged.get(i, nothing) for i in judged]
        ),
        "best_window_overlap": _best_window_overlap(clips, forged),
        "ap": {str(k): v for k, v in localisation.average_precisions(pairs).items()},
        "ar": {str(k): v for k, v in localisation.average_recalls(pairs).items()},
    }


def _best_window_overlap(
    clips: Sequence[np.ndarray], forged: Mapping[int, np.ndarray]
) -> float | None:
    """Over the clips of one forged segment; None if there are none."""
    shares = []
    for i, segments in forged.items():
        if len(segments) == 1:
            seconds = float(segments[0, 1] - segments[0, 0])
            window = localisation.best_window(clips[i], window_seconds=seconds)
            shares.append(localisation.forged_share(window, segments))
    return float(np.mean(shares)) if shares else None
