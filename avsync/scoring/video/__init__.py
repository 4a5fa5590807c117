"""A video file of any length to its score: faces, A/V offset, p-value, segments, verdict."""
