"""The context that an encoder states is what its embeddings depend on, found by moving frames."""

from typing import Any

import jax
import numpy as np
import pytest

from avsync.models.aligner import Aligner
from avsync.models.encoders import _lips, avhubert, lip_conv, lip_patch, mel_conv
from avsync.models.heads.cosine import Head
from avsync.types import Context

TINY: dict[str, Any] = {"embedding": 16, "feed_forward": 16, "num_heads": 1, "num_layers": 1}

LIPS = lip_conv.Encoder(
    stem_width=4, widths=(4,), blocks=(0,), features=8, temporal_blocks=3, embedding=8
)
PATCHES = lip_patch.Encoder(
    patch=11, stem_width=4, widths=(4,), features=8, temporal_blocks=1, embedding=8
)
SOUND = mel_conv.Encoder(num_bands=8, widths=(4, 4, 8), temporal_blocks=1, embedding=8)


def random_clip(encoder, num_frames: int) -> np.ndarray:
    """Random pixels or samples, a row for each frame."""
    random = np.random.default_rng(0)
    if encoder is SOUND or isinstance(encoder, avhubert.Encoder):
        return random.integers(-3000, 3000, (num_frames, 640)).astype(np.int16)
    return random.integers(0, 256, (num_frames, 88, 88, 1), np.uint8)


def embed(encoder, frames: np.ndarray, params=None) -> tuple[np.ndarray, dict]:
    clip = frames.reshape(1, -1) if frames.dtype == np.int16 else frames[None]
    valid = np.ones((1, len(frames)), bool)
    if params is None:
        shapes = jax.eval_shape(encoder.init, jax.random.key(0), clip, valid)
        random = np.random.default_rng(1)
        params = jax.tree.map(lambda x: random.normal(0, 0.3, x.shape).astype(np.float32), shapes)
    return np.asarray(jax.jit(encoder.apply)(params, clip, valid))[0], params


@pytest.mark.parametrize("encoder", [LIPS, PATCHES, SOUND], ids=["lips", "patches", "sound"])
def test_frames_beyond_the_reach_of_convolutions_change_nothing(encoder, monkeypatch):
    # Without the statistics of the whole clip, which are not counted.
    for module in (_lips, mel_conv):
        monkeypatch.setattr(module, "standardise", lambda x, valid, **_: x / 100)
    reach = encoder.context.reach_frames
    frames = random_clip(encoder, 2 * reach + 4)
    before, params = embed(encoder, frames)
    frames[-1] = frames[-1][::-1]
    after, _ = embed(encoder, frames, params)
    changed = np.abs(after - before).max(axis=1) > 1e-6
    first = len(frames) - 1 - reach
    assert not changed[:first].any()
    # Of the outermost video frame, the stride of the sound's layers leaves less than a half.
    assert changed[first + 1 :].all()
    assert not encoder.context.is_whole_clip


def test_avhubert_depends_on_the_whole_clip_and_reaches_66_frames_by_convolutions():
    encoder = avhubert.Encoder(modality="audio", **TINY)
    assert encoder.context == Context(64 + 2, is_whole_clip=True)
    frames = random_clip(encoder, 100)
    before, params = embed(encoder, frames)
    frames[-1] = 0
    after, _ = embed(encoder, frames, params)
    assert np.abs(after - before)[0].max() > 1e-6


def test_the_context_of_a_model_adds_the_candidates_to_the_larger_of_its_encoders():
    model = Aligner(visual_encoder=LIPS, audio_encoder=SOUND, head=Head(), reach_frames=15)
    assert model.context == Context(2 + 3 + 15, is_whole_clip=False)
    mixed = model.clone(visual_encoder=avhubert.Encoder(modality="video", **TINY))
    assert mixed.context == Context(66 + 15, is_whole_clip=True)
