"""NumPy and scikit-learn: points, intervals."""
