"""The scorer that is shipped with avsync; its model card is beside its weights."""

from pathlib import Path

GRID = Path(__file__).with_name("grid")

CAUTION = (
    "The shipped scorer was trained on one speaker and judges no other: 10 of 10 real clips of "
    "other speakers of the same corpus exceed its 5% threshold, and are told to be unlike its "
    "reference clips. Their A/V offsets can be believed. To judge other videos, train on many "
    "speakers, calibrate on your own real clips, and pass --checkpoint."
)
