"""Shortcuts that separate real from fake clips in a labelled dataset, measured without a model."""
