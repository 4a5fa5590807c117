"""Localisation metrics of forged segments: for proposals, windows and frames.

Proposals are judged as in AV-Deepfake1M (Cai et al., ACM MM 2024; PyPI package avdeepfake1m). The
overlap of two segments is their intersection over union, and must exceed a threshold. A true
segment is detected by the most confident proposal of its clip that overlaps it enough and has not
detected an earlier segment. Every proposal in a clip without forgery is a false positive.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit

from avsync import lookup
from avsync.metrics import ranking
from avsync.units import FRAMES_PER_SECOND

# The settings that AV-Deepfake1M reports.
PRECISION_OVERLAPS = (0.5, 0.75, 0.9, 0.95)
RECALL_PROPOSALS = (50, 30, 20, 10, 5)
RECALL_OVERLAPS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)

# "av_deepfake1m" reproduces published numbers: its average leaves out the recall that the most
# confident proposal adds, so that detecting all n segments gives 1 - 1/n. "complete" includes it,
# and detecting all gives 1. The two agree where there are many segments.
PROTOCOLS = ("av_deepfake1m", "complete")


class Localised(NamedTuple):
    """The proposed segments of a clip, in any order, and its true segments."""

    proposed: Float[np.ndarray, "p 3"]  # confidence, start, end; in seconds
    forged: Float[np.ndarray, "s 2"]  # start, end; in seconds


def average_precisions(
    clips: Sequence[Localised],
    *,
    overlaps: Sequence[float] = PRECISION_OVERLAPS,
    protocol: str = "av_deepfake1m",
) -> dict[float, float]:
    """AP@overlap: the precision of all clips' proposals together, averaged over recall; in [0, 1].

    The precision at a recall is the best at this or any higher recall, as usual in detection.
    Equally confident proposals are ranked in the order of clips. ValueError if there are no true
    segments, or a segment is malformed.
    """
    lookup.require("protocol", protocol, list(PROTOCOLS))
    num_forged = _num_forged(clips)
    ranked = [_ranked(clip) for clip in clips]
    overlap = [_overlaps(clip) if len(clip.forged) else None for clip in ranked]
    confidence = np.concatenate([clip.proposed[:, 0] for clip in ranked])
    order = np.argsort(-confidence, kind="stable")
    # Each detected true segment is a step of recall; the protocol may skip the first rank.
    first_rank = 0 if protocol == "complete" else 1
    precisions = {}
    for least in overlaps:
        hits = (
            np.zeros(len(clip.proposed), bool) if of_clip is None else _hits(of_clip, least=least)
            for clip, of_clip in zip(ranked, overlap, strict=True)
        )
        is_hit = np.concatenate(list(hits))[order]
        precision = np.cumsum(is_hit) / np.arange(1, len(is_hit) + 1)
        best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
        total = np.sum(is_hit[first_rank:] * best_from_here[first_rank:])
        precisions[least] = float(total) / num_forged
    return precisions


def average_recalls(
    clips: Sequence[Localised], *, num_proposals: Sequence[int] = RECALL_PROPOSALS
) -> dict[int, float]:
    """AR@n: the share of true segments that overlap one of their clip's n most confident proposals.

    The mean over `RECALL_OVERLAPS`; in [0, 1]. One proposal may detect several segments. A clip
    without proposals, which the package refuses, misses all. Raises as `average_precisions` does.
    """
    num_forged = _num_forged(clips)
    overlap = [_overlaps(_ranked(clip)) for clip in clips if len(clip.forged)]
    recalls = {}
    for number in num_proposals:
        best = [np.max(of_clip[:number], axis=0, initial=0) for of_clip in overlap]
        is_hit = np.concatenate([[], *best])[:, None] > np.asarray(RECALL_OVERLAPS, np.float32)
        recalls[number] = float(np.mean(np.sum(is_hit, axis=0) / num_forged))
    return recalls


def least_overlapping(
    ranked: Float[np.ndarray, "w 3"], max_overlap: float, max_number: int
) -> Int[np.ndarray, " p"]:
    """The first windows that overlap no window before them that is one of the result.

    Two windows overlap if their intersection over union is larger than `max_overlap`. Columns:
    confidence, start, end. The result has at most `max_number` indices, in ascending order.
    """
    chosen = np.zeros(max_number, int)
    return chosen[: _choose(ranked[:, 1], ranked[:, 2], max_overlap, chosen)]


def frame_auc(
    frame_scores: Sequence[Float[np.ndarray, " _"]], forged: Sequence[Float[np.ndarray, "_ 2"]]
) -> float:
    """The AUC of forged frames against all other frames, over all clips together.

    `frame_scores` has the valid frames of each clip, `forged` its true segments in seconds.
    ValueError if no frame, or every frame, is forged.
    """
    is_forged = [
        forged_frames(segments, num_frames=len(scores))
        for scores, segments in zip(frame_scores, forged, strict=True)
    ]
    return ranking.auc(np.concatenate(frame_scores), np.concatenate(is_forged))


def forged_frames(
    forged: Float[np.ndarray, "s 2"], *, num_frames: int
) -> Bool[np.ndarray, " num_frames"]:
    """True for the video frames whose middle lies in a segment (seconds)."""
    middle = (np.arange(num_frames) + 0.5) / FRAMES_PER_SECOND
    return np.any((forged[:, :1] <= middle) & (middle < forged[:, 1:]), axis=0)


def best_window(
    frame_scores: Float[np.ndarray, " t"], *, window_seconds: float
) -> tuple[float, float]:
    """Start and end, in seconds, of the window with the highest mean score; the first of equals.

    ValueError if the window is shorter than half a frame or longer than the clip.
    """
    num_frames = round(window_seconds * FRAMES_PER_SECOND)
    if not 1 <= num_frames <= len(frame_scores):
        raise ValueError(
            f"a window of {window_seconds} s is {num_frames} frames; it must have at least one, "
            f"and at most the {len(frame_scores)} of the clip"
        )
    windows = np.lib.stride_tricks.sliding_window_view(frame_scores, num_frames)
    start = int(np.argmax(windows.mean(axis=1)))
    return start / FRAMES_PER_SECOND, (start + num_frames) / FRAMES_PER_SECOND


def forged_share(window: tuple[float, float], forged: Float[np.ndarray, "s 2"]) -> float:
    """The forged share of a window, in [0, 1]; true segments must not overlap one another."""
    start, end = window
    inside = np.minimum(end, forged[:, 1]) - np.maximum(start, forged[:, 0])
    return float(np.sum(np.maximum(inside, 0)) / (end - start))


def _ranked(clip: Localised) -> Localised:
    """The clip with its most confident proposal first, in float32.

    The package computes in float32. Segments of whole frames often overlap by exactly a threshold;
    they then fall on the same side of it.
    """
    proposed = clip.proposed.astype(np.float32)
    order = np.argsort(-proposed[:, 0], kind="stable")
    return Localised(proposed[order], clip.forged.astype(np.float32))


def _overlaps(clip: Localised) -> Float[np.ndarray, "p s"]:
    """Intersection over union. Disjoint segments give 0, although their union has a gap."""
    start, end = clip.proposed[:, 1, None], clip.proposed[:, 2, None]
    true_start, true_end = clip.forged.T
    inner = np.minimum(end, true_end) - np.maximum(start, true_start)
    outer = np.maximum(end, true_end) - np.minimum(start, true_start)
    return np.maximum(inner, 0) / outer


def _hits(overlaps: Float[np.ndarray, "p s"], *, least: float) -> Bool[np.ndarray, " p"]:
    """True for the proposals that detect a true segment: more than `least` of it."""
    is_hit = np.zeros(len(overlaps), bool)
    for is_near in (overlaps > np.float32(least)).T:
        is_hit[np.flatnonzero(is_near & ~is_hit)[:1]] = True
    return is_hit


def _num_forged(clips: Sequence[Localised]) -> int:
    """The number of true segments; ValueError if there are none, or a segment is malformed."""
    bounds = [clip.proposed for clip in clips], [clip.forged for clip in clips]
    if not all(_are_whole(np.concatenate(segments)).all() for segments in bounds if segments):
        for index, segments in enumerate(itertools.chain(*zip(*bounds, strict=True))):
            if not (are_whole := _are_whole(segments)).all():
                raise ValueError(
                    f"clip {index // 2}: a segment must start before it ends and be finite; "
                    f"got {segments[~are_whole][0]}"
                )
    num_forged = sum(len(clip.forged) for clip in clips)
    if not num_forged:
        raise ValueError(f"none of the {len(clips)} clips has a forged segment")
    return num_forged


def _are_whole(segments: Float[np.ndarray, "s _"]) -> Bool[np.ndarray, " s"]:
    start, end = segments[:, -2], segments[:, -1]
    return np.isfinite(segments).all(axis=1) & (start < end)


# Compiled by numba, which knows no type checks. NumPy took a pass over all windows for each chosen.
@njit(cache=True)
@no_type_check
def _choose(starts, ends, max_overlap, chosen):
    """Fills `chosen` with indices and returns their number."""
    num_chosen = 0
    for window in range(len(starts)):
        if num_chosen == len(chosen):
            break
        start, end = starts[window], ends[window]
        is_apart = True
        for other in chosen[:num_chosen]:
            inner = min(ends[other], end) - max(starts[other], start)
            outer = max(ends[other], end) - min(starts[other], start)
            if inner > max_overlap * outer:
                is_apart = False
                break
        if is_apart:
            chosen[num_chosen] = window
            num_chosen += 1
    return num_chosen
