"""Shortcuts, found by their names: a new one is a new file."""
