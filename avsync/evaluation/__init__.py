"""Scores of a dataset, and the numbers computed from them."""
