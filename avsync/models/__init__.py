"""Flax modules: the only code that imports Flax."""
