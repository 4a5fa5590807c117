"""A linear probe on the features of an untrained audio network.

The network has learned nothing: where the probe succeeds, a detector can do well on the dataset
without knowing anything about speech. The probe ranks the fakes of FakeAVCeleb with an AUC of
0.998, those of AV-Deepfake1M with 0.988 (Smeu et al., CVPR 2025).
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int16

from avsync.audits.base import AuditedClip, Shortcut
from avsync.models.encoders.mel_conv import Encoder
from avsync.units import SAMPLES_PER_FRAME

SEED = 0

# Small: 1 ms per clip, and few enough features for a probe trained on some hundred clips.
NETWORK = Encoder(num_bands=40, widths=(32, 48, 64), temporal_blocks=0, embedding=32)


def random_network(clip: AuditedClip) -> np.ndarray:
    """Mean, standard deviation, minimum and maximum of each channel over the clip, [128]."""
    # Padded to a power of two: each new shape takes a second to compile, so few may occur.
    missing = (1 << (clip.num_frames - 1).bit_length()) - clip.num_frames
    waveform = np.pad(clip.waveform, (0, missing * SAMPLES_PER_FRAME))
    valid = np.arange(clip.num_frames + missing) < clip.num_frames
    return np.asarray(_pooled(_params(), waveform[None], valid[None]))[0]


SHORTCUTS = {
    "random_network": Shortcut("linear probe on an untrained audio network", "", random_network),
}


@functools.cache
def _params() -> dict:
    silence, valid = np.zeros((1, SAMPLES_PER_FRAME), np.int16), np.ones((1, 1), bool)
    return jax.jit(NETWORK.init)(jax.random.key(SEED), silence, valid)


@jax.jit
def _pooled(
    params: dict, waveform: Int16[Array, "b s"], valid: Bool[Array, "b t"]
) -> Float[Array, "b d"]:
    embedded: Any = NETWORK.apply(params, waveform, valid)
    where = valid[..., None]
    return jnp.concatenate(
        [
            embedded.mean(axis=1, where=where),
            embedded.std(axis=1, where=where),
            embedded.min(axis=1, where=where, initial=jnp.inf),
            embedded.max(axis=1, where=where, initial=-jnp.inf),
        ],
        axis=-1,
    )
