"""LSE on embeddings small enough to check by eye, and against PyTorch."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.scoring.lse import Lse, distances, lse
from tests.models import syncnet_weights

VECTORS = Path(__file__).parent.parent / "models" / "syncnet.npz"


def rows_of(faces: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """The distances, where there are zeros before and after the sound."""
    rows = jax.jit(distances)(jnp.asarray(faces), jnp.pad(sound, ((15, 15), (0, 0))))
    return np.asarray(rows, np.float64)


def lse_of(faces: np.ndarray, sound: np.ndarray) -> Lse:
    return lse(rows_of(faces, sound).sum(axis=0), num_windows=len(faces))


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def test_beyond_the_clip_a_face_is_compared_with_zeros():
    rows = rows_of(column(3, 4), column(5, 6))
    assert rows.shape == (2, 31)
    # Window 0 is 3; its sound at shifts -1, 0, 1, 2 is 0, 5, 6, 0.
    np.testing.assert_allclose(rows[0, 14:18], [3, 2, 3, 3], atol=1e-5)
    np.testing.assert_allclose(rows[1, 13:17], [4, 1, 2, 4], atol=1e-5)


def test_the_epsilon_is_added_to_the_difference():
    rows = distances(jnp.ones((1, 4)), jnp.ones((31, 4)))
    np.testing.assert_allclose(rows, np.full((1, 31), 2e-6), rtol=1e-4)


def test_lse_d_is_the_least_mean_distance_and_lse_c_its_distance_from_the_median():
    total = np.full(31, 14.0)
    total[[18, 19]] = 6, 10
    result = lse(total, num_windows=2)
    assert (result.lse_d, result.lse_c, result.num_windows) == (3, 4, 2)


@pytest.mark.parametrize("late", [-5, 0, 7])
def test_late_sound_has_a_positive_offset_and_a_negative_one_in_the_script(late):
    values = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    result = lse_of(values[20:50], values[20 - late : 50 - late])
    assert result.offset_frames == late
    assert result.script_offset_frames == -late


def test_of_two_equally_good_offsets_the_earlier_one_is_taken():
    total = np.full(31, 9.0)
    total[[4, 25]] = 3
    assert lse(total, num_windows=1).offset_frames == 4 - 15


def test_lse_equals_that_of_pytorch():
    vectors = np.load(VECTORS)
    faces, sound = syncnet_weights.embeddings()
    means = rows_of(faces, sound).mean(axis=0)
    np.testing.assert_allclose(means, vectors["distances"], rtol=1e-5)
    lse_d, lse_c, script_offset = vectors["lse"]
    result = lse_of(faces, sound)
    assert result.lse_d == pytest.approx(lse_d, rel=1e-5)
    assert result.lse_c == pytest.approx(lse_c, rel=1e-5)
    assert (result.script_offset_frames, result.offset_frames) == (script_offset, 4)
