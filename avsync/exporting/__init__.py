"""A checkpoint as a folder that scores clips where nothing of avsync is installed."""
