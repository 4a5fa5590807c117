"""Flax modules, and nothing else that knows Flax."""
