"""Face and landmark detectors, one per file, found by name."""
