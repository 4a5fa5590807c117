"""Small models of every kind, with random parameters: they compile and run in moments."""

import jax
import jax.numpy as jnp
import numpy as np

from avsync import build
from avsync.config import default, encoder, head
from avsync.types import Extraction

# Clips longer than a chunk would be processed in chunks.
SMALL_AVHUBERT = {
    "name": "avhubert",
    "chunk_frames": 4,
    "embedding": 32,
    "feed_forward": 32,
    "num_heads": 2,
    "num_layers": 1,
}


def small_config(model: str):
    config = default()
    options = config.model
    if model == "lip_conv":
        small = {"stem_width": 4, "widths": (4,), "features": 8, "embedding": 8}
        options.visual = encoder("lip_conv", blocks=(0,), **small)
        options.audio.update(num_bands=16, widths=(4, 4, 8), embedding=8)
        options.visual.temporal_blocks = options.audio.temporal_blocks = 1
    elif model == "avhubert":
        options.visual = encoder(modality="video", **SMALL_AVHUBERT)
        options.audio = encoder(modality="audio", **SMALL_AVHUBERT)
    elif model == "shared avhubert":
        options.visual = encoder(modality="both", **SMALL_AVHUBERT)
        options.audio = encoder("shared")
        options.head = head("fusion_mlp", projection=8, widths=(8, 4))
        options.edges = "official"
    elif model == "features":
        origin = {"encoder": "avhubert", "fingerprint": "0123456789abcdef", "channels": 24}
        options.visual, options.audio = (
            encoder("precomputed", **origin),
            encoder("precomputed", **origin),
        )
        options.head = head("fusion_mlp", projection=8, widths=(8, 4))
        options.edges = "official"
    return config


def random_params(config, extraction: Extraction | None):
    """Random parameters; those of the model take longer to initialise than all the tests."""
    model, inputs = build.make_model(config), build.inputs_like(extraction)
    shapes = jax.eval_shape(lambda: build.init_params(model, inputs, seed=0))
    random = np.random.default_rng(0)
    return jax.tree.map(lambda x: jnp.asarray(random.normal(0, 0.2, x.shape), jnp.float32), shapes)
