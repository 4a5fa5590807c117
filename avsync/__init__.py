"""Audio-visual deepfake detection by alignment, trained on real videos only, in JAX and Flax."""

__version__ = "0.2.0"
