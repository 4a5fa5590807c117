"""Encoders by name: one modality in, one embedding a video frame out."""
