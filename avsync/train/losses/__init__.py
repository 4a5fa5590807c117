"""Losses, found by name."""
