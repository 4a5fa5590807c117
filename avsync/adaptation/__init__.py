"""A scorer adapted to own real videos: planned, prepared, trained, calibrated, compared."""
