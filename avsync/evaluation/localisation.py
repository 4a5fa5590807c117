"""Localisation of forged segments from the frame scores of a clip."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from avsync.evaluation.lines import Line, Metrics
from avsync.metrics import localisation
from avsync.metrics.localisation import Localised
from avsync.units import FRAMES_PER_SECOND

# The lengths of proposed segments, a factor of sqrt 2 apart: 0.2 s to 12.8 s.
LENGTHS_FRAMES = tuple(round(5 * 2 ** (i / 2)) for i in range(13))

# If two proposals have a larger intersection over union, the less confident one is dropped.
MAX_OVERLAP = 0.5
MAX_PROPOSALS = max(localisation.RECALL_PROPOSALS)

# In a fake with a larger share of forged frames there is nothing to localise.
MAX_FORGED_SHARE = 0.9


class _Clip(NamedTuple):
    """A clip with the segments proposed in it, and what its best window says.

    best_window_overlap: None unless it is a partly forged fake with exactly one forged segment.
    """

    line: Line
    frame_scores: Float[np.ndarray, " t"]
    segments: Localised
    best_window_overlap: float | None


def localise(lines: Sequence[Line], frame_scores: Sequence[Sequence[float]]) -> Metrics:
    """Localisation metrics by view and manipulation, over the fakes and all real clips.

    Only partly forged fakes count. `ap`, `ar` (the protocol of AV-Deepfake1M) and `frame_auc` are
    over these fakes and all real clips. `best_window_overlap` is the forged share of the window
    with the highest mean score, as long as the true segment, averaged over these fakes.
    `num_unscored` counts the clips of these fakes and real clips that are not judged.
    """
    views: dict[str, list[_Clip]] = {}
    unscored: dict[str, list[Line]] = {}
    for line, scores in zip(lines, frame_scores, strict=True):
        if not line.is_judged:
            unscored.setdefault(line.view, []).append(line)
        elif scores:
            views.setdefault(line.view, []).append(_clip(line, np.asarray(scores, float)))
    results: Metrics = {}
    for view, clips in views.items():
        real_clips = [clip for clip in clips if clip.line.is_real]
        partial = [clip for clip in clips if _is_partial(clip.line)]
        kinds = sorted({clip.line.manipulation for clip in partial})
        left_out = unscored.get(view, [])
        results[view] = {}
        for kind in kinds:
            fakes = [clip for clip in partial if clip.line.manipulation == kind]
            others = [line for line in left_out if line.is_real or line.manipulation == kind]
            results[view][kind] = _result(fakes, real_clips, len(others))
        if len(kinds) > 1:
            results[view]["all"] = _result(partial, real_clips, len(left_out))
    return results


def propose(frame_scores: Float[np.ndarray, " t"]) -> Float[np.ndarray, "p 3"]:
    """Segments that stand out of a clip, most confident first: confidence, start, end (seconds).

    The confidence of a window of n frames is (its mean - the clip's median) * sqrt n: its excess in
    units of the standard error of the mean of n independent frames. A window therefore grows as
    long as the frames that it adds score high too.
    """
    num_frames = len(frame_scores)
    typical = np.median(frame_scores) if num_frames else 0.0
    total = np.concatenate([[0.0], np.cumsum(frame_scores - typical)])
    lengths = [length for length in LENGTHS_FRAMES if length < num_frames]
    starts = np.concatenate([np.arange(0), *(np.arange(num_frames - n + 1) for n in lengths)])
    ends = starts + np.repeat(lengths, [num_frames - n + 1 for n in lengths]).astype(int)
    confidence = (total[ends] - total[starts]) / np.sqrt(ends - starts)
    windows = np.stack([confidence, starts, ends], axis=1)[confidence > 0]
    windows = windows[np.argsort(-windows[:, 0], kind="stable")]
    segments = windows[localisation.least_overlapping(windows, MAX_OVERLAP, MAX_PROPOSALS)]
    segments[:, 1:] /= FRAMES_PER_SECOND
    return segments


def _clip(line: Line, frame_scores: Float[np.ndarray, " t"]) -> _Clip:
    # A real clip has no true segments.
    forged = np.asarray([] if line.is_real else line.fake_segments, float).reshape(-1, 2)
    overlap = None
    if _is_partial(line) and len(forged) == 1:
        seconds = float(forged[0, 1] - forged[0, 0])
        window = localisation.best_window(frame_scores, window_seconds=seconds)
        overlap = localisation.forged_share(window, forged)
    return _Clip(line, frame_scores, Localised(propose(frame_scores), forged), overlap)


def _is_partial(line: Line) -> bool:
    forged = sum(end - start for start, end in line.fake_segments)
    seconds = line.num_frames / FRAMES_PER_SECOND
    return not line.is_real and 0 < forged <= MAX_FORGED_SHARE * seconds


def _result(fakes: Sequence[_Clip], real_clips: Sequence[_Clip], num_unscored: int) -> Metrics:
    clips = [*fakes, *real_clips]
    segments = [clip.segments for clip in clips]
    shares = [clip.best_window_overlap for clip in fakes if clip.best_window_overlap is not None]
    return {
        "num_fake": len(fakes),
        "num_real": len(real_clips),
        "num_unscored": num_unscored,
        "frame_auc": localisation.frame_auc(
            [clip.frame_scores for clip in clips], [clip.segments.forged for clip in clips]
        ),
        "best_window_overlap": float(np.mean(shares)) if shares else None,
        "ap": {str(k): v for k, v in localisation.average_precisions(segments).items()},
        "ar": {str(k): v for k, v in localisation.average_recalls(segments).items()},
    }
