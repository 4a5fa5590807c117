"""The audio encoder of a model whose visual encoder gives both streams, such as AV-HuBERT."""

import flax.linen as nn


class Encoder(nn.Module):
    """Stands for "the module of config.model.visual gives the sound's embeddings too".

    It has no parameters and is never run: `avsync.models.aligner` gets one encoder instead of two.
    """
