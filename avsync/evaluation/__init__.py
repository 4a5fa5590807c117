"""Scores of a dataset from a checkpoint, and the report on them."""
