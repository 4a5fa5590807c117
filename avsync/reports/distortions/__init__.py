"""The report of a grid of distortions: a heat map and a table."""
