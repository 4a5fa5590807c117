"""Offsets that change within a clip, on evidence that can be checked by eye."""

import jax.numpy as jnp
import numpy as np
import pytest

from avsync import scoring
from avsync.scoring import OffsetStretch, offset_stretches


def evidence(*stretches: tuple[int, int], gain: float = 3.0) -> np.ndarray:
    """Frames (number, offset) in which that of nine offsets gains so many nats over the others."""
    columns = np.repeat([4 + offset for _, offset in stretches], [n for n, _ in stretches])
    logs = np.full((len(columns), 9), -gain, np.float32)
    logs[np.arange(len(columns)), columns] = 0
    return logs


@pytest.mark.parametrize("offset", [-4, 0, 3])
def test_a_clip_of_one_offset_is_one_stretch(offset):
    assert offset_stretches(evidence((40, offset))) == [OffsetStretch(0, 40, offset)]


def test_an_offset_that_changes_is_found_with_the_frame_where_it_does():
    found = offset_stretches(evidence((20, 0), (30, 4), (25, -2)))
    assert found == [OffsetStretch(0, 20, 0), OffsetStretch(20, 50, 4), OffsetStretch(50, 75, -2)]


def test_a_change_must_be_worth_what_it_costs():
    # Back and forth twice 25 nats: 16 frames of 3 nats do not pay, 17 do.
    assert len(offset_stretches(evidence((30, 0), (16, 3), (30, 0)))) == 1
    assert len(offset_stretches(evidence((30, 0), (17, 3), (30, 0)))) == 3


def test_a_frame_more_or_less_is_no_change():
    assert offset_stretches(evidence((30, 0), (31, 1))) == [OffsetStretch(0, 61, 1)]


def test_frames_that_tell_nothing_belong_to_their_neighbours():
    silent = np.zeros((10, 9), np.float32)
    joined = np.concatenate([silent, evidence((20, 2)), silent, evidence((20, 2)), silent])
    assert offset_stretches(joined) == [OffsetStretch(0, 70, 2)]
    changed = np.concatenate([evidence((20, 2)), silent, evidence((20, -2))])
    assert offset_stretches(changed) == [OffsetStretch(0, 25, 2), OffsetStretch(25, 50, -2)]


def test_evidence_is_of_the_frames_that_have_all_candidates():
    logits = jnp.zeros((2, 12, 5))
    valid = jnp.arange(12) < jnp.array([[12], [3]])
    logs = scoring.offset_evidence(logits, valid)
    tells = np.any(np.asarray(logs), axis=-1)
    assert tells.tolist()[0] == [2 <= t < 10 for t in range(12)]
    # Where no frame has them all, those that there are must do.
    assert tells.tolist()[1] == [t < 3 for t in range(12)]
    np.testing.assert_allclose(logs[0, 5], -np.log(5), rtol=1e-6)
