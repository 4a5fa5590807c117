"""The scorer that is there from the start; its model card lies beside its weights."""

from pathlib import Path

GRID = Path(__file__).with_name("grid")

CAUTION = (
    "Beware: the scorer that comes with avsync has heard one talker, and misfit to it is what it "
    "has not heard: of 11 real clips of other talkers in the same studio, 6 score above the "
    "threshold for 5%. To judge other videos, train on many talkers, calibrate on reals of their "
    "kind, and give --checkpoint."
)
