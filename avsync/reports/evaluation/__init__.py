"""The report on an evaluation: page, figures, and terminal table."""
