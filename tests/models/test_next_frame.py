"""The head that predicts each frame of the sound from those before it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from avsync.models.heads.next_frame import Head
from avsync.ops import in_sync_nll, unit_length

REACH = 4


def streams(num_frames: int = 12, *, seed: int = 0):
    values = np.random.default_rng(seed).normal(size=(2, 1, num_frames, 6))
    return tuple(jnp.asarray(x, jnp.float32) for x in values)


def applied(head: Head, visual: jax.Array, audio: jax.Array) -> np.ndarray:
    params = head.init(jax.random.key(0), *streams(), reach_frames=REACH)
    return np.asarray(head.apply(params, visual, audio, reach_frames=REACH))


@pytest.mark.parametrize(("inputs", "sees_visual"), [("audio", False), ("both", True)])
def test_a_prediction_depends_on_the_context_before_its_frame_alone(inputs, sees_visual):
    head = Head(inputs=inputs, context_frames=3, hidden=8)
    visual, audio = streams()
    before = applied(head, visual, audio)
    for changed, index, is_seen in (("visual", 0, sees_visual), ("audio", 1, True)):
        pair = [visual, audio]
        pair[index] = pair[index].at[0, 5].multiply(-2.0)
        differ = (applied(head, *pair) != before)[0]
        # A changed frame of sound is a candidate too: those columns are not predictions.
        if changed == "audio":
            for frame in range(1, 10):
                differ[frame, np.clip(5 - frame + REACH, 0, 2 * REACH)] = False
        frames = np.flatnonzero(differ.any(axis=1)).tolist()
        assert frames == ([6, 7, 8] if is_seen else [])


def test_sound_that_repeats_itself_becomes_predictable():
    period = unit_length(streams(3)[1])
    audio = jnp.tile(period, (1, 12, 1))
    head = Head(context_frames=2, hidden=16)
    params = head.init(jax.random.key(0), audio, audio, reach_frames=2)
    optimiser = optax.adam(1e-2)

    def loss(params) -> jax.Array:
        logits = head.apply(params, audio, audio, reach_frames=2)
        assert isinstance(logits, jax.Array)
        return in_sync_nll(logits[:, 2:]).mean()

    @jax.jit
    def update(params, state):
        updates, state = optimiser.update(jax.grad(loss)(params), state)
        return optax.apply_updates(params, updates), state

    before, state = loss(params), optimiser.init(params)
    for _ in range(100):
        params, state = update(params, state)
    assert before > 0.5
    assert loss(params) < 0.1


def test_a_context_beyond_the_reach_is_refused():
    with pytest.raises(ValueError, match=r"context_frames is 9; it must not exceed .* = 4"):
        applied(Head(context_frames=9), *streams())


def test_unknown_inputs_are_refused():
    with pytest.raises(ValueError, match="did you mean 'both'"):
        applied(Head(inputs="bot"), *streams())
