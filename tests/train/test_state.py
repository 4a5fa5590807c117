"""Patience with validations, and the parameter count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.partition import ALL_TRAINED, make_partition
from avsync.train import optim
from avsync.train.reporter import parameters_in_words
from avsync.train.state import Patience, count_parameters


def scales(losses: list[float], *, schedule: str = "plateau", patience: int = 2) -> list[float]:
    """The factor of the learning rate after each validation."""
    plateau = optim.make_plateau(schedule, factor=0.1, patience=patience)
    now = Patience.new(plateau)
    seen = []
    for loss in losses:
        now = now.after(loss, plateau=plateau)
        seen.append(float(now.plateau.scale))
    return seen


def test_the_rate_drops_at_the_first_validation_beyond_the_patience():
    # As torch.optim.lr_scheduler.ReduceLROnPlateau(factor=0.1, patience=2): it drops after three in
    # a row without improvement, then counts again.
    losses = [3.0, 3.0, 3.1, 3.2, 3.2, 3.2, 3.2, 2.0]
    np.testing.assert_allclose(scales(losses), [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01], rtol=1e-6)


def test_zero_patience_lowers_the_rate_at_once():
    np.testing.assert_allclose(scales([3.0, 3.0, 2.9], patience=0), [1, 0.1, 0.1], rtol=1e-6)


def test_an_improvement_below_the_threshold_does_not_count():
    # Below 1e-4 of the best, 3e-4: the third validation is the second without improvement.
    np.testing.assert_allclose(scales([3.0, 2.9999, 2.9998], patience=1), [1, 1, 0.1], rtol=1e-6)
    improving = [3.0 * (1 - 2e-4) ** i for i in range(6)]
    assert scales(improving, patience=0) == [1] * 6


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_other_schedules_ignore_validations(schedule):
    assert scales([3.0] * 20, schedule=schedule, patience=0) == [1] * 20


def test_patience_is_exhausted_after_validations_in_a_row_without_a_new_best():
    plateau = optim.make_plateau("constant", factor=0.1, patience=0)
    now, ended = Patience.new(plateau), []
    for loss in (3.0, 2.9, 2.95, 2.89, 2.9, 2.89, 2.9):
        now = now.after(loss, plateau=plateau)
        ended.append(now.is_exhausted(3))
    assert ended == [False] * 6 + [True]
    assert float(now.best_loss) == pytest.approx(2.89)
    assert not now.is_exhausted(4)
    assert not now.is_exhausted(0)  # never stops


def test_patience_keeps_its_dtypes():
    # Otherwise each validation would recompile the update.
    plateau = optim.make_plateau("plateau", factor=0.5, patience=1)
    before = Patience.new(plateau)
    after = before.after(2.0, plateau=plateau).after(3.0, plateau=plateau)
    types = [jax.tree.map(lambda x: jnp.asarray(x).dtype, tree) for tree in (before, after)]
    assert types[0] == types[1]


def test_parameters_are_counted_by_part_and_in_total_and_those_that_are_trained():
    params = {
        "visual_encoder": {"conv": {"kernel": np.zeros((3, 3, 1, 2)), "bias": np.zeros(2)}},
        "audio_encoder": {"blocks": {"kernel": np.zeros((5, 2))}},
        "head": {"scale": np.zeros(())},
    }
    parts = {"visual": 20, "audio": 10, "head": 1}
    assert count_parameters(params, ALL_TRAINED) == {"total": 31, "trained": 31, **parts}
    partition = make_partition("visual_encoder.conv.kernel,audio_encoder.blocks[:-2]", params)
    counts = count_parameters(partition.split(params), partition)
    assert counts == {"total": 31, "trained": 2 + 4 + 1, **parts}
    line = "31 parameters (audio 10, head 1, visual 20), 7 of them trained"
    assert parameters_in_words(counts) == line
