"""Any video to a score with its evidence: faces, windows over time, p-values, a picture."""
