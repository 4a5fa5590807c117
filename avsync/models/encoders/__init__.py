"""Encoders by name: one modality in, one embedding per video frame out."""
