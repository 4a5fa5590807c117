"""Segments are proposed where frame scores stand out, and compared with the forged ones."""

import numpy as np
import pytest

from avsync.evaluation.lines import Line
from avsync.evaluation.localisation import LENGTHS_FRAMES, localise, propose


def scores(num_frames: int, *, bad: tuple[int, int] | None = None) -> list[float]:
    """Frame scores of 1, and of 5 within the half-open range `bad`, with a little noise."""
    values = 1 + np.random.default_rng(num_frames).normal(size=num_frames) * 0.1
    if bad:
        values[slice(*bad)] += 4
    return values.tolist()


def line(clip_id: str, *, num_frames: int = 75, segment: tuple[float, float] | None = None):
    return Line(
        clip_id,
        "trimmed",
        int(segment is not None),
        manipulation="splice" if segment else "real",
        fake_segments=[segment] if segment else [],
        num_frames=num_frames,
    )


def test_the_first_proposal_is_the_segment_that_stands_out():
    # 20 frames are one of the lengths.
    assert 20 in LENGTHS_FRAMES
    confidence, start, end = propose(np.array(scores(100, bad=(40, 60))))[0]
    assert (start, end) == (40 / 25, 60 / 25)
    assert confidence == pytest.approx(4 * np.sqrt(20), rel=0.1)


def test_proposals_are_ranked_and_overlap_by_at_most_half():
    found = propose(np.array(scores(200, bad=(40, 60))))
    assert (np.diff(found[:, 0]) <= 0).all()
    for i, (_, start, end) in enumerate(found):
        for _, other_start, other_end in found[:i]:
            inner = min(end, other_end) - max(start, other_start)
            assert inner <= 0.5 * (max(end, other_end) - min(start, other_start)) + 1e-9


@pytest.mark.parametrize("num_frames", [0, 1, 5])
def test_a_clip_without_room_for_a_window_has_no_proposal(num_frames):
    assert propose(np.ones(num_frames)).shape == (0, 3)


def test_a_perfect_score_localises_every_forgery_and_a_constant_one_none():
    lines = [
        line("real0"),
        line("real1"),
        line("a", segment=(0.8, 1.6)),
        line("b", segment=(2.0, 2.8)),
    ]
    good = [scores(75), scores(75), scores(75, bad=(20, 40)), scores(75, bad=(50, 70))]
    found = localise(lines, good)["trimmed"]["splice"]
    assert found["best_window_overlap"] == pytest.approx(1)
    assert found["frame_auc"] == 1
    assert found["ar"]["5"] == 1
    assert (found["num_fake"], found["num_real"]) == (2, 2)
    blind = localise(lines, [scores(75)] * 4)["trimmed"]["splice"]
    assert blind["frame_auc"] == pytest.approx(0.5, abs=0.1)
    assert blind["ap"]["0.5"] < 0.5


def test_a_clip_forged_from_end_to_end_is_not_localised():
    lines = [line("real"), line("swap", segment=(0.0, 3.0))]
    assert localise(lines, [scores(75), scores(75)]) == {"trimmed": {}}


def test_an_unscored_clip_is_left_out():
    lines = [line("real"), line("a", segment=(0.8, 1.6)), line("silent", segment=(0.8, 1.6))]
    found = localise(lines, [scores(75), scores(75, bad=(20, 40)), []])
    assert found["trimmed"]["splice"]["num_fake"] == 1


def test_clips_that_are_not_judged_are_left_out_and_counted():
    lines = [line("real"), line("a", segment=(0.8, 1.6)), line("b", segment=(0.8, 1.6))]
    lines = [*lines[:2], lines[2].replace(status="too_short")]
    found = localise(lines, [scores(75), scores(75, bad=(20, 40)), scores(75, bad=(20, 40))])
    result = found["trimmed"]["splice"]
    assert (result["num_fake"], result["num_real"], result["num_unscored"]) == (1, 1, 1)
