"""One process of a job of scaling.py: repeated updates on one batch, in turns.

python -m tests.benchmarks.scaling_loop jit|pmap SIZE CLIPS
"""

import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from avsync import build, build_training, parallel, runtime
from avsync.config import Config, default
from avsync.train.state import new_state
from avsync.train.step import make_train_step
from avsync.types import Batch
from avsync.units import SAMPLES_PER_FRAME
from tests.benchmarks.turns import serve

NUM_FRAMES = 75


def main(mapping: str, size: str, num_clips: int) -> None:
    runtime.start()
    config = make_config(size)
    model = build.make_model(config)

    def init() -> Any:
        return build.init_params(model, build.inputs_like(), seed=0)

    rule = build_training.make_rule(config, num_steps=1_000_000, init=init)
    step = make_train_step(build.make_apply(model), rule)
    state: Any = new_state(
        init(),
        optimiser=rule.optimiser,
        plateau=build_training.make_plateau(config),
        ema_decay=rule.ema_decay,
    )
    state = parallel.replicate(state)
    update = {"jit": by_jit, "pmap": by_pmap}[mapping](step)
    batch = parallel.shard_batch(a_batch(num_clips))

    def train(num_updates: int) -> int:
        nonlocal state
        pending = None
        for _ in range(num_updates):
            state, metrics = update(state, batch)
            # As in the training loop, the loss is read while the next update runs.
            if pending:
                float(pending["loss"])
            pending = metrics
        if pending:
            float(pending["loss"])
        return num_updates * num_clips * NUM_FRAMES

    serve(train, read_ahead=2)


def make_config(size: str) -> Config:
    """The model of configs/quickstart.py:test, or the default one."""
    config = default()
    if size == "small":
        config.model.visual.update(stem_width=8, widths=(8, 16), features=32, embedding=16)
        config.model.audio.update(widths=(16, 16, 32), embedding=16)
    return config


def by_pmap(step: Callable[..., Any]) -> Callable[..., Any]:
    return parallel.map_step(step, donate_state=True)


def by_jit(step: Callable[..., Any]) -> Callable[..., Any]:
    """The same step with the device axis as a batch axis of length 1: no collectives."""
    alone = jax.vmap(step, in_axes=(None, 0), out_axes=None, axis_name=parallel.AXIS)
    return jax.jit(alone, donate_argnums=(0,))


def a_batch(num_clips: int) -> Batch:
    generator = np.random.default_rng(0)
    valid = np.ones((num_clips, NUM_FRAMES), bool)
    visual = generator.integers(0, 256, (*valid.shape, 88, 88, 1), np.uint8)
    audio = generator.integers(-3000, 3000, (num_clips, NUM_FRAMES * SAMPLES_PER_FRAME), np.int16)
    return Batch(visual, audio, valid, loss_mask=valid, label=np.zeros(num_clips, np.int32))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
