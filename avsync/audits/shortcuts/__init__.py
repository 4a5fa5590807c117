"""Shortcuts, one file per subject, found by name: a new file needs no registration."""
