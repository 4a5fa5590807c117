"""Face and landmark detectors, one a file; found by name."""
