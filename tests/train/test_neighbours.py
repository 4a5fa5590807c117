"""Sounds of other clips to choose from, wherever in the batch of all devices they are.

python -m tests.train.test_neighbours: what three updates on this process's devices come to, in JSON
"""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from avsync import parallel
from avsync.train import optim
from avsync.train.losses import alignment
from avsync.train.neighbours import among_neighbours
from avsync.train.state import new_state
from avsync.train.step import Rule, make_train_step
from avsync.types import Batch
from tests.conftest import ROOT, environment

REACH_CLIPS, EXCLUDED = 1, -1e9


def encode(params, visual, audio, valid):
    return jnp.tanh(visual @ params["visual"]), jnp.tanh(audio @ params["audio"])


def align(params, visual, audio, valid):
    """A frame against the sounds before, at and after it, as far as they are there."""
    sounds, there = (jnp.pad(x, [(0, 0), (1, 1), (0, 0)]) for x in (audio, valid[..., None]))
    time = visual.shape[1]
    logits = [(visual * sounds[:, k : k + time]).sum(-1) for k in range(3)]
    are_there = [there[:, k : k + time, 0] for k in range(3)]
    return jnp.where(jnp.stack(are_there, -1), jnp.stack(logits, -1), EXCLUDED)


def three_updates(reach_clips: int = REACH_CLIPS) -> dict[str, list]:
    """The losses and the parameters, of four clips of which one is short."""
    generator = np.random.default_rng(0)
    visual, audio = generator.standard_normal((2, 4, 6, 3)).astype(np.float32)
    valid = np.arange(6) < np.array([[6], [2], [6], [6]])
    batch = Batch(visual, audio, valid, loss_mask=valid, label=np.zeros(4, np.int32))
    names = ("visual", "audio")
    params = {name: generator.standard_normal((3, 4)).astype(np.float32) for name in names}
    plateau = optim.make_plateau("constant", factor=0.1, patience=0)
    rule = Rule(optax.sgd(1.0), alignment.objective)
    apply = among_neighbours(encode, align, reach_clips=reach_clips)
    update = parallel.map_step(make_train_step(apply, rule), donate_state=False)
    state = parallel.replicate(new_state(params, optimiser=rule.optimiser, plateau=plateau))
    losses = []
    for _ in range(3):
        state, metrics = update(state, parallel.shard_batch(batch))
        losses.append(float(metrics["loss"]))
    return {"losses": losses, **{name: state.params[name].tolist() for name in names}}


def test_what_devices_gather_trains_as_the_whole_batch_on_one():
    found = {}
    for devices in (1, 2):
        done = subprocess.run(
            [sys.executable, "-m", "tests.train.test_neighbours"],
            cwd=ROOT,
            env=environment(devices=devices),
            capture_output=True,
            text=True,
            check=True,
        )
        found[devices] = json.loads(done.stdout)
    assert found[1].keys() == {"losses", "visual", "audio"}
    for name, values in found[1].items():
        np.testing.assert_allclose(found[2][name], values, rtol=1e-5, atol=1e-6)
    # And not because the neighbours are of no account.
    assert abs(three_updates(0)["losses"][0] - found[1]["losses"][0]) > 0.1


def test_every_frame_chooses_among_its_own_clips_sounds_and_its_neighbours():
    generator = np.random.default_rng(0)
    visual, audio = generator.standard_normal((2, 5, 4, 3)).astype(np.float32)
    valid = np.arange(4) < np.array([[4], [4], [2], [4], [4]])
    params = {name: jnp.eye(3) for name in ("visual", "audio")}
    apply = among_neighbours(encode, align, reach_clips=2)
    # One device with five clips.
    logits = jax.vmap(apply, in_axes=(None, 0, 0, 0), axis_name=parallel.AXIS)(
        params, visual[None], audio[None], valid[None]
    )[0]
    assert logits.shape == (5, 4, 15)
    encoded = encode(params, visual, audio, valid)
    own = align(params, *encoded, valid)
    np.testing.assert_allclose(logits[..., 6:9], own, rtol=1e-5, atol=1e-6)
    # Beside clip 4 stand clips 2 and 3 on the left, and, in a ring, 0 and 1 on the right.
    for place, other in enumerate([2, 3, 4, 0, 1]):
        theirs = align(params, encoded[0][4:], encoded[1][other][None], valid[other][None])
        np.testing.assert_allclose(
            logits[4:, :, 3 * place : 3 * place + 3], theirs, rtol=1e-5, atol=1e-6
        )


def test_a_clip_is_never_beside_itself():
    with pytest.raises(AssertionError, match="beside itself"):
        three_updates(reach_clips=2)


if __name__ == "__main__":
    print(json.dumps(three_updates()))
