"""Exports a checkpoint as a folder that scores clips without avsync."""
