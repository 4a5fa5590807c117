"""Updates of a transformer of four blocks whose lower ones are frozen, and their checkpoints."""

import functools
import itertools
import json
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import checkpoint, parallel
from avsync.input_pipeline.batching import EvalBatch
from avsync.input_pipeline.training import TrainBatch
from avsync.models.avhubert.transformer import Transformer
from avsync.partition import Partition, make_partition, named, whole
from avsync.train import optim
from avsync.train.flops import count_flops
from avsync.train.job import Schedule, Training, Validation
from avsync.train.loop import train
from avsync.train.losses import alignment
from avsync.train.state import TrainState, new_state
from avsync.train.step import UpdateRule, make_train_step
from avsync.types import Batch
from tests.train.optimisers import sgd

NUM_BLOCKS, CHANNELS, FRAMES = 4, 16, 8

PLATEAU = optim.make_plateau("constant", factor=0.5, patience=0)

BLOCKS = "encoder.transformer.blocks"
LAST_BLOCK = f"encoder,!{BLOCKS}[-1:]"

TRANSFORMER = Transformer(feed_forward=32, num_heads=2, num_layers=NUM_BLOCKS)


def apply(params, visual, audio, valid):
    """offset_logits [b t 3] of the transformer's output against the audio frames around it."""
    x = TRANSFORMER.apply({"params": params["encoder"]["transformer"]}, visual, valid)
    padded = jnp.pad(audio, ((0, 0), (1, 1), (0, 0)))
    time = valid.shape[1]
    sounds = jnp.stack([padded[:, k : k + time] for k in range(3)], axis=2)
    return params["head"]["scale"] * jnp.einsum("btd,btkd->btk", x, sounds)


@functools.cache
def initial():
    valid = jnp.ones((1, FRAMES), bool)
    key = jax.random.key(0)
    clip = jnp.zeros((1, FRAMES, CHANNELS))
    transformer = jax.jit(TRANSFORMER.init)(key, clip, valid)["params"]
    return {"encoder": {"transformer": transformer}, "head": {"scale": jnp.float32(0.5)}}


def a_batch(seed: int = 0) -> Batch:
    random = np.random.default_rng(seed)
    visual, audio = random.standard_normal((2, 2, FRAMES, CHANNELS)).astype(np.float32)
    valid = np.ones((2, FRAMES), bool)
    return Batch(visual, audio, valid, valid, np.zeros(2, np.int32))


def rule_of(freeze: str, **rule) -> UpdateRule:
    partition = make_partition(freeze, initial())
    return UpdateRule(**{"optimiser": adamw(), "objective": alignment.objective, **rule},
                      partition=partition)  # fmt: skip


def adamw():
    schedule = optim.make_schedule("constant", peak=0.01, num_steps=10, warmup_steps=0)
    return optim.make_optimiser("adamw", schedule=schedule, weight_decay=0.1, max_gradient_norm=1.0)


def state_of(rule: UpdateRule) -> TrainState:
    state = new_state(
        jax.tree.map(jnp.array, initial()),
        optimiser=rule.optimiser,
        plateau=PLATEAU,
        ema_decay=rule.ema_decay,
        partition=rule.partition,
    )
    return parallel.replicate(state)


def updated(rule: UpdateRule, *, num_updates: int = 1) -> TrainState:
    state = state_of(rule)
    step = parallel.map_step(make_train_step(apply, rule), donate_state=True)
    for _ in range(num_updates):
        state, _ = step(state, parallel.shard_batch(a_batch()))
    return state


def is_frozen(name: str, x) -> np.ndarray | bool:
    """True for the values of a whole array that are frozen under `LAST_BLOCK`."""
    if name.startswith(BLOCKS):
        return np.broadcast_to(np.arange(len(x)) < NUM_BLOCKS - 1, x.shape[::-1]).T
    return name.startswith("encoder")


def num_values(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


def test_the_logits_are_the_same_with_frozen_blocks_held_apart():
    batch = a_batch()
    inputs = jax.tree.map(jnp.asarray, (batch.visual, batch.audio, batch.valid))
    split = make_partition(LAST_BLOCK, initial()).split(initial())
    apart, together = (jax.jit(apply)(params, *inputs) for params in (split, initial()))
    np.testing.assert_allclose(apart, together, rtol=1e-5, atol=1e-6)


def test_frozen_parameters_stay_bit_identical_and_all_others_change():
    rule = rule_of(LAST_BLOCK, ema_decay=0.9)
    after = dict(named(whole(jax.device_get(updated(rule, num_updates=3).params))))
    assert after.keys() == dict(named(initial())).keys()
    for name, before in named(initial()):
        is_same = np.asarray(before) == after[name]
        assert np.all(is_same[is_frozen(name, before)]), name
        others = np.broadcast_to(~np.asarray(is_frozen(name, before)), is_same.shape)
        # The bias of keys has no influence: softmax is invariant to it.
        if others.any() and not name.endswith("key.bias"):
            assert not np.all(is_same[others]), name


def test_trained_parameters_get_the_update_that_they_get_without_freezing():
    free, partly = (
        dict(named(whole(jax.device_get(updated(rule_of(freeze, optimiser=sgd(1.0))).params))))
        for freeze in ("", LAST_BLOCK)
    )
    np.testing.assert_allclose(partly["head.scale"], free["head.scale"], rtol=1e-5)
    for name in free:
        if name.startswith(BLOCKS):
            np.testing.assert_allclose(partly[name][-1], free[name][-1], rtol=1e-4, atol=1e-6)
            assert not np.array_equal(partly[name][0], free[name][0]) or "key.bias" in name


def test_frozen_parameters_have_neither_optimiser_state_nor_average():
    rule = rule_of(LAST_BLOCK, ema_decay=0.9)
    state = state_of(rule)
    one_block = sum(x[0].size for name, x in named(initial()) if name.startswith(BLOCKS))
    assert num_values(state.params) == num_values(initial())
    assert num_values(state.average) == one_block + 1
    num_counters = 2  # of Adam and of its schedule
    assert num_values(state.opt_state) == 2 * (one_block + 1) + num_counters
    assert num_values(state.eval_params) == num_values(initial())


def test_frozen_blocks_are_not_differentiated():
    batch = parallel.shard_batch(a_batch())

    def flops(freeze: str) -> int:
        rule = rule_of(freeze)
        step = parallel.map_step(make_train_step(apply, rule), donate_state=False)
        return sum(count_flops(step, state_of(rule), batch).values())

    rules = ("encoder", LAST_BLOCK, f"encoder,!{BLOCKS}[-2:]", "encoder.transformer.positions")
    head_only, last, last_two, all_blocks = map(flops, rules)
    block = last_two - last
    assert all_blocks == last + (NUM_BLOCKS - 1) * block
    # The head passes the gradient on, a product with each of the three candidates.
    assert last == head_only + block + 2 * a_batch().visual.size * 3


def test_remat_covers_frozen_blocks_through_which_a_gradient_passes():
    inputs = jnp.asarray(a_batch().visual), jnp.asarray(a_batch().valid)
    frozen = make_partition(f"{BLOCKS}[:3]", initial())

    def num_kept(params) -> int:
        """Values that are kept for the backward pass."""
        remat = Transformer(feed_forward=32, num_heads=2, num_layers=NUM_BLOCKS, remat="blocks")

        def loss(params) -> Any:
            x: Any = remat.apply({"params": params["encoder"]["transformer"]}, *inputs)
            return x.sum()

        return num_values(jax.eval_shape(lambda params: jax.vjp(loss, params)[1], params))

    assert num_kept(frozen.split(initial())) <= num_kept(initial())


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_a_checkpoint_resumes_and_is_evaluated_with_all_parameters(tmp_path, ema_decay):
    rule = rule_of(LAST_BLOCK, ema_decay=ema_decay)
    state = updated(rule, num_updates=3)
    with checkpoint.Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(3, state)
    with checkpoint.Checkpointer(tmp_path) as checkpointer:
        restored = checkpointer.restore(checkpoint.abstract(state_of(rule)))
    jax.tree.map(np.testing.assert_array_equal, restored, state)
    loaded = checkpoint.load_params(tmp_path, 3)
    expected = whole(jax.device_get(state.eval_params))
    assert jax.tree.map(np.shape, loaded) == jax.tree.map(np.shape, initial())
    jax.tree.map(np.testing.assert_array_equal, loaded, expected)


def test_a_resumed_training_with_frozen_blocks_equals_an_uninterrupted_one(tmp_path):
    rule = rule_of(LAST_BLOCK, ema_decay=0.9)

    def batches(first_step: int) -> Iterator[TrainBatch]:
        return (TrainBatch(a_batch(seed=step), ["a", "b"]) for step in itertools.count(first_step))

    job = Training(
        batches=batches,
        validations=(Validation("a", 1.0, lambda: [EvalBatch(a_batch(seed=99), [])]),),
        apply=apply,
        apply_in_training=apply,
        init=lambda: jax.tree.map(jnp.array, initial()),
        rule=rule,
        plateau=PLATEAU,
        schedule=Schedule(num_steps=4, log_every=1, validate_every=2, max_waited=0),
    )
    for name in ("straight", "resumed"):
        (tmp_path / name).mkdir()
    train(job, tmp_path / "straight")
    for num_steps in (2, 4):
        shorter = job._replace(schedule=job.schedule._replace(num_steps=num_steps))
        train(shorter, tmp_path / "resumed")
    one, other = (checkpoint.load_params(tmp_path / name, 4) for name in ("straight", "resumed"))
    jax.tree.map(np.testing.assert_array_equal, one, other)
    counts = json.loads((tmp_path / "resumed" / "environment.json").read_text())["num_parameters"]
    assert counts["trained"] < counts["total"] / 3


def test_a_partition_without_frozen_parameters_changes_nothing():
    partition = make_partition("", initial())
    assert isinstance(partition, Partition)
    assert partition.split(initial()) == initial()
