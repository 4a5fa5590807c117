"""Synthetic talkers: articulation, and the speech and video generated from it."""
