"""Slowing down, and stopping, when validations are no better."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync.train import optim
from avsync.train.patience import Patience


def scales(losses: list[float], *, schedule: str = "plateau", patience: int = 2) -> list[float]:
    """The factor of the learning rate after each of the validations."""
    plateau = optim.make_plateau(schedule, factor=0.1, patience=patience)
    now = Patience.new(plateau)
    seen = []
    for loss in losses:
        now = now.after(loss, plateau=plateau)
        seen.append(float(now.plateau.scale))
    return seen


def test_the_rate_falls_at_the_first_validation_beyond_the_patience():
    # What torch.optim.lr_scheduler.ReduceLROnPlateau(factor=0.1, patience=2) does: three in a row
    # that are no better, then counting begins anew.
    losses = [3.0, 3.0, 3.1, 3.2, 3.2, 3.2, 3.2, 2.0]
    np.testing.assert_allclose(scales(losses), [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01], rtol=1e-6)


def test_a_patience_of_none_lowers_the_rate_at_once():
    np.testing.assert_allclose(scales([3.0, 3.0, 2.9], patience=0), [1, 0.1, 0.1], rtol=1e-6)


def test_the_rate_falls_though_the_loss_creeps_down_but_stays_if_it_walks():
    # Less than 1e-4 of the best, 3e-4, does not count: the third is the second that is no better.
    np.testing.assert_allclose(scales([3.0, 2.9999, 2.9998], patience=1), [1, 1, 0.1], rtol=1e-6)
    walking = [3.0 * (1 - 2e-4) ** i for i in range(6)]
    assert scales(walking, patience=0) == [1] * 6


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_other_schedules_take_no_notice_of_validations(schedule):
    assert scales([3.0] * 20, schedule=schedule, patience=0) == [1] * 20


def test_waiting_ends_after_so_many_validations_in_a_row_that_are_not_the_best():
    plateau = optim.make_plateau("constant", factor=0.1, patience=0)
    now, ended = Patience.new(plateau), []
    for loss in (3.0, 2.9, 2.95, 2.89, 2.9, 2.89, 2.9):
        now = now.after(loss, plateau=plateau)
        ended.append(now.is_exhausted(3))
    assert ended == [False] * 6 + [True]
    assert float(now.best_loss) == pytest.approx(2.89)
    assert not now.is_exhausted(4)
    assert not now.is_exhausted(0)  # waits for ever


def test_what_is_kept_of_validations_keeps_its_types():
    # Or each validation would have the update compiled again.
    plateau = optim.make_plateau("plateau", factor=0.5, patience=1)
    before = Patience.new(plateau)
    after = before.after(2.0, plateau=plateau).after(3.0, plateau=plateau)
    types = [jax.tree.map(lambda x: jnp.asarray(x).dtype, tree) for tree in (before, after)]
    assert types[0] == types[1]
