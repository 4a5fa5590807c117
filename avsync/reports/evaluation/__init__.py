"""The evaluation report: page, figures, tables."""
