"""The audit report: page, figures, tables."""
