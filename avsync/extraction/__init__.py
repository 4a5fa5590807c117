"""Clips through a frozen encoder, once: features on disk for all that comes after."""
