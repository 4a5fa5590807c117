"""Offsets that change within a clip, on evidence that can be checked by eye."""

import jax.numpy as jnp
import numpy as np
import pytest

from avsync import scoring
from avsync.scoring import OffsetRun, offset_runs


def evidence(*runs: tuple[int, int], gain: float = 3.0) -> np.ndarray:
    """Evidence for 9 offsets; in each run (frames, offset) one offset is better by `gain` nats."""
    columns = np.repeat([4 + offset for _, offset in runs], [n for n, _ in runs])
    logs = np.full((len(columns), 9), -gain, np.float32)
    logs[np.arange(len(columns)), columns] = 0
    return logs


@pytest.mark.parametrize("offset", [-4, 0, 3])
def test_a_clip_with_one_offset_is_one_run(offset):
    assert offset_runs(evidence((40, offset))) == [OffsetRun(0, 40, offset)]


def test_an_offset_change_is_found_at_its_frame():
    runs = offset_runs(evidence((20, 0), (30, 4), (25, -2)))
    assert runs == [OffsetRun(0, 20, 0), OffsetRun(20, 50, 4), OffsetRun(50, 75, -2)]


def test_a_change_must_gain_more_than_it_costs():
    # There and back costs 2 * 25 nats: 16 frames of 3 nats do not pay for it, 17 do.
    assert len(offset_runs(evidence((30, 0), (16, 3), (30, 0)))) == 1
    assert len(offset_runs(evidence((30, 0), (17, 3), (30, 0)))) == 3


def test_a_change_by_one_frame_is_ignored():
    assert offset_runs(evidence((30, 0), (31, 1))) == [OffsetRun(0, 61, 1)]


def test_frames_without_evidence_join_their_neighbours():
    silent = np.zeros((10, 9), np.float32)
    joined = np.concatenate([silent, evidence((20, 2)), silent, evidence((20, 2)), silent])
    assert offset_runs(joined) == [OffsetRun(0, 70, 2)]
    changed = np.concatenate([evidence((20, 2)), silent, evidence((20, -2))])
    assert offset_runs(changed) == [OffsetRun(0, 25, 2), OffsetRun(25, 50, -2)]


def test_only_frames_with_all_candidates_carry_evidence():
    logits = jnp.zeros((2, 12, 5))
    valid = jnp.arange(12) < jnp.array([[12], [10]])
    logs = scoring.offset_evidence(logits, valid)
    has_evidence = np.any(np.asarray(logs), axis=-1)
    assert has_evidence.tolist()[0] == [2 <= t < 10 for t in range(12)]
    # A short clip is searched within one frame: 8 of its frames have these candidates.
    assert has_evidence.tolist()[1] == [1 <= t < 9 for t in range(12)]
    np.testing.assert_allclose(logs[0, 5], -np.log(5), rtol=1e-6)
    np.testing.assert_allclose(logs[1, 5], -np.log(3), rtol=1e-6)
