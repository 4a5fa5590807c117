"""The scorer that is shipped with avsync; its model card is beside its weights."""

from pathlib import Path

GRID = Path(__file__).with_name("grid")

CAUTION = (
    "The shipped scorer was trained on one speaker; anything out of domain scores as a mismatch "
    "(6 of 11 real clips of other speakers of the same corpus exceed its 5% threshold). To judge "
    "other videos, train on many speakers, calibrate on your own real clips, and pass --checkpoint."
)
