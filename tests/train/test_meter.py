"""Waiting and busy times of updates known to be long or short."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import parallel
from avsync.train.meter import Meter, Rates
from avsync.types import Batch

BATCH = Batch(*[np.ones((2, 4), np.float32)] * 5)


def update_of(num_products: int) -> Meter:
    """An update of `num_products` consecutive products of 256 x 256 matrices."""

    def step(state, batch):
        state = jax.lax.fori_loop(0, num_products, lambda _, x: jnp.tanh(x @ state), state)
        return state, {"loss": state[0, 0] + batch.visual.sum()}

    return Meter(parallel.map_step(step, donate_state=False))


def rates_of(num_products: int, *, data_seconds: float) -> Rates:
    """The rates of five updates, run as in the loop, without the first one."""
    state = parallel.replicate(np.ones((256, 256), np.float32))
    with update_of(num_products) as meter:
        for i in range(6):
            with meter.waiting():
                time.sleep(data_seconds)
            state, metrics = meter.run(state, BATCH)
            if i > 0:
                meter.note_finished()
            if i == 1:
                meter.rates()
        jax.block_until_ready(metrics)
        meter.note_finished()
        return meter.rates()


def test_slow_data_and_slow_updates_are_distinguished():
    slow_data = rates_of(1, data_seconds=0.05)
    assert slow_data.data_wait > 0.5 > slow_data.device_busy
    slow_updates = rates_of(300, data_seconds=0.0)
    assert slow_updates.device_busy > 0.5 > slow_updates.data_wait
    assert slow_updates.mfu > slow_data.mfu > 0


def test_data_read_while_the_device_is_busy_costs_no_wait():
    # An update takes far longer than its batch.
    rates = rates_of(300, data_seconds=0.005)
    assert rates.data_wait < 0.2


def test_paused_time_does_not_count():
    with update_of(20) as meter:
        state = parallel.replicate(np.ones((256, 256), np.float32))
        for _ in range(2):
            state, _ = meter.run(state, BATCH)
            meter.note_finished()
            meter.rates()
        with meter.paused():
            time.sleep(0.5)
        meter.run(state, BATCH)
        meter.note_finished()
        assert meter.rates().device_busy > 0.1


def test_an_implicit_transfer_from_the_host_is_an_error():
    with update_of(1) as meter, pytest.raises(Exception, match="Disallowed host-to-device"):
        meter.run(np.ones((256, 256), np.float32), BATCH)
