"""The scorer that is there from the start; its model card lies beside its weights."""

from pathlib import Path

GRID = Path(__file__).with_name("grid")

CAUTION = (
    "the scorer that comes with avsync has learned from one talker, and its p-values compare with "
    "100 clips of that talker: on other videos they are a hint and no more. Train on many talkers, "
    "calibrate on reals of your kind, and give --checkpoint."
)
