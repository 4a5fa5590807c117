"""Fakes made from real clips, for evaluation and for supervised baselines; one manipulation a file."""
