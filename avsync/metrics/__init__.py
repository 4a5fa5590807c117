"""Metrics in NumPy and scikit-learn: ranking, intervals, localisation, calibration."""
