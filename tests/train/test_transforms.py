"""Remat saves memory without changing the gradient; cross-clip negatives span all devices.

python -m tests.train.test_transforms: three updates on the devices of this process, as JSON
"""

import json
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build, parallel
from avsync.build_training import make_apply_in_training
from avsync.config import Config, default, encoder
from avsync.models.layers import TemporalBlock
from avsync.train import optim
from avsync.train.losses import alignment
from avsync.train.state import new_state
from avsync.train.step import UpdateRule, make_train_step
from avsync.train.transforms import with_cross_clip_negatives, with_remat
from avsync.types import Batch
from tests.conftest import ROOT, environment
from tests.train.optimisers import sgd


def saved_bytes(config: Config) -> int:
    """Bytes that the forward pass of a config's model saves for the backward pass, for 3 s."""
    visual = jnp.zeros((1, 75, 88, 88, 1), jnp.uint8)
    audio, valid = jnp.zeros((1, 75 * 640), jnp.int16), jnp.ones((1, 75), bool)
    model = build.make_model(config)
    apply = make_apply_in_training(config, model)
    params = jax.eval_shape(lambda: build.init_params(model, build.inputs_like(), seed=0))
    backward = jax.eval_shape(
        lambda p: jax.vjp(lambda p: apply(p, visual, audio, valid), p)[1], params
    )
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(backward))


@pytest.mark.parametrize("resnet", [False, True])
def test_cheap_remat_saves_less_than_half_of_the_bytes(resnet):
    config = default()
    if resnet:
        widths, blocks = (64, 128, 256, 512), (2, 2, 2, 2)
        config.model.visual = encoder(
            "lip_conv", pool=1, stem_stride=2, stem_width=64, widths=widths, blocks=blocks
        )
    everything = saved_bytes(config)
    config.train.remat = "cheap"
    assert saved_bytes(config) < 0.5 * everything


def test_remat_does_not_change_the_gradient():
    block = TemporalBlock()
    x = jax.random.normal(jax.random.key(1), (2, 8, 4))
    valid = jnp.arange(8) < jnp.array([[8], [5]])
    params = block.init(jax.random.key(0), x, valid)

    def apply(*inputs: Any) -> Any:
        return block.apply(*inputs)

    def gradient(policy: str):
        with_policy = with_remat(apply, policy)
        return jax.jit(jax.grad(lambda p: jnp.sin(with_policy(p, x, valid)).sum()))(params)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        gradient("none"),
        gradient("cheap"),
    )


def test_an_unknown_policy_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="did you mean 'cheap'"):
        with_remat(jnp.sin, "cheep")


REACH_CLIPS, EXCLUDED = 1, -1e9


def encode(params, visual, audio, valid):
    return jnp.tanh(visual @ params["visual"]), jnp.tanh(audio @ params["audio"])


def align(params, visual, audio, valid):
    """The logits of a frame with the audio before, at and after it; EXCLUDED beyond the clip."""
    sounds, present = (jnp.pad(x, [(0, 0), (1, 1), (0, 0)]) for x in (audio, valid[..., None]))
    time = visual.shape[1]
    logits = [(visual * sounds[:, k : k + time]).sum(-1) for k in range(3)]
    is_present = [present[:, k : k + time, 0] for k in range(3)]
    return jnp.where(jnp.stack(is_present, -1), jnp.stack(logits, -1), EXCLUDED)


def three_updates(reach_clips: int = REACH_CLIPS) -> dict[str, list]:
    """The losses and parameters after three updates on four clips, one of them short."""
    generator = np.random.default_rng(0)
    visual, audio = generator.standard_normal((2, 4, 6, 3)).astype(np.float32)
    valid = np.arange(6) < np.array([[6], [2], [6], [6]])
    batch = Batch(visual, audio, valid, loss_mask=valid, label=np.zeros(4, np.int32))
    names = ("visual", "audio")
    params = {name: generator.standard_normal((3, 4)).astype(np.float32) for name in names}
    plateau = optim.make_plateau("constant", factor=0.1, patience=0)
    rule = UpdateRule(sgd(1.0), alignment.objective)
    apply = with_cross_clip_negatives(encode, align, reach_clips=reach_clips)
    update = parallel.map_step(make_train_step(apply, rule), donate_state=False)
    state = parallel.replicate(new_state(params, optimiser=rule.optimiser, plateau=plateau))
    losses = []
    for _ in range(3):
        state, metrics = update(state, parallel.shard_batch(batch))
        losses.append(float(metrics["loss"]))
    return {"losses": losses, **{name: state.params[name].tolist() for name in names}}


def test_two_devices_train_with_cross_clip_negatives_as_one_device():
    found = {}
    for devices in (1, 2):
        done = subprocess.run(
            [sys.executable, "-m", "tests.train.test_transforms"],
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
    # The negatives make a difference.
    assert abs(three_updates(0)["losses"][0] - found[1]["losses"][0]) > 0.1


def test_candidates_are_frames_of_the_own_clip_and_of_clips_on_both_sides():
    generator = np.random.default_rng(0)
    visual, audio = generator.standard_normal((2, 5, 4, 3)).astype(np.float32)
    valid = np.arange(4) < np.array([[4], [4], [2], [4], [4]])
    params = {name: jnp.eye(3) for name in ("visual", "audio")}
    apply = with_cross_clip_negatives(encode, align, reach_clips=2)
    # One device with five clips.
    logits = jax.vmap(apply, in_axes=(None, 0, 0, 0), axis_name=parallel.AXIS)(
        params, visual[None], audio[None], valid[None]
    )[0]
    assert logits.shape == (5, 4, 15)
    encoded = encode(params, visual, audio, valid)
    own = align(params, *encoded, valid)
    np.testing.assert_allclose(logits[..., 6:9], own, rtol=1e-5, atol=1e-6)
    # Clip 4 has clips 2 and 3 on the left and, on the ring, 0 and 1 on the right.
    for place, other in enumerate([2, 3, 4, 0, 1]):
        theirs = align(params, encoded[0][4:], encoded[1][other][None], valid[other][None])
        np.testing.assert_allclose(
            logits[4:, :, 3 * place : 3 * place + 3], theirs, rtol=1e-5, atol=1e-6
        )


def test_a_clip_is_never_its_own_negative():
    with pytest.raises(AssertionError, match="its own negative"):
        three_updates(reach_clips=2)


if __name__ == "__main__":
    print(json.dumps(three_updates()))
