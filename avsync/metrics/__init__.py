"""NumPy and scikit-learn: points, intervals, localisation, calibration."""
