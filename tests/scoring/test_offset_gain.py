"""Evidence for offsets on logits that can be checked by eye."""

import numpy as np
import pytest

from avsync.scoring.offset_gain import at_offset, best_offset, candidate_gains
from avsync.scoring.offset_runs import OffsetRun, certain_runs

REACH = 7


def logits(num_frames: int, offset: float, *, height: float = 4.0, seed: int = 0) -> np.ndarray:
    """Noise, and a parabola around `offset` for every frame."""
    rng = np.random.default_rng(seed)
    candidates = np.arange(-REACH, REACH + 1)
    peak = np.maximum(height - (candidates - offset) ** 2, 0)
    return (peak + rng.normal(0, 0.5, (num_frames, 2 * REACH + 1))).astype(np.float32)


@pytest.mark.parametrize("offset", [-7, -3, 0, 5, 7])
def test_all_frames_of_a_short_clip_tell_its_offset(offset):
    gains = candidate_gains(logits(20, offset))
    best = best_offset(gains)
    assert best.frames == offset
    assert best.nats > 15
    # Sound beyond the clip neither gains nor loses.
    assert (gains[0, :REACH] == 0).all()
    assert (gains[-1, REACH + 1 :] == 0).all()


def test_noise_gains_next_to_nothing():
    gains = candidate_gains(logits(75, 0, height=0.0))
    assert best_offset(gains).nats < 10


def test_a_network_too_sure_of_itself_gains_as_much_as_a_modest_one():
    modest = logits(75, 3)
    gains = [best_offset(candidate_gains(scale * modest)).nats for scale in (1, 10)]
    assert gains[1] == pytest.approx(gains[0], rel=0.25)


def test_without_any_gain_there_is_no_offset():
    nothing = np.zeros((10, 15), np.float32)
    assert best_offset(nothing) == (0, 0.0, 0.0)
    assert certain_runs(nothing, min_nats=1.0) == []


@pytest.mark.parametrize("offset", [-2.75, -0.5, 0.0, 0.25, 1.4])
def test_an_offset_between_frames_is_the_vertex_of_a_parabola(offset):
    best = best_offset(candidate_gains(logits(200, offset, height=9.0)))
    assert best.exact_frames == pytest.approx(offset, abs=0.08)
    assert abs(best.exact_frames - best.frames) <= 0.5


def test_at_the_end_of_the_reach_an_offset_has_no_parabola():
    assert best_offset(candidate_gains(logits(60, 7))).exact_frames == 7


def test_a_part_whose_sound_fits_nowhere_joins_the_part_before():
    fits, unrelated = logits(75, 0), logits(75, 0, height=0.0, seed=1)
    gains = candidate_gains(np.concatenate([fits, unrelated]))
    (run,) = certain_runs(gains, min_nats=30.0)
    assert (run.first, run.end, run.offset_frames) == (0, 150, 0)
    gains = candidate_gains(np.concatenate([unrelated, logits(75, 4)]))
    (run,) = certain_runs(gains, min_nats=30.0)
    assert (run.first, run.end, run.offset_frames) == (0, 150, 4)


def test_each_part_has_its_own_exact_offset():
    gains = candidate_gains(np.concatenate([logits(75, 0.3), logits(75, 4.2)]))
    first, second = certain_runs(gains, min_nats=30.0)
    assert (first.offset_frames, second.offset_frames) == (0, 4)
    assert first.end == second.first == pytest.approx(75, abs=2)
    assert first.exact_frames == pytest.approx(0.3, abs=0.15)
    assert second.exact_frames == pytest.approx(4.2, abs=0.15)


def test_a_clip_with_little_evidence_has_its_offset_as_a_whole_or_none():
    gains = candidate_gains(logits(75, 2))
    nats = at_offset(gains, 2).nats
    assert certain_runs(gains, min_nats=nats - 1) == [
        OffsetRun(0, 75, 2, at_offset(gains, 2).exact_frames)
    ]
    assert certain_runs(gains, min_nats=nats + 1) == []
