"""What a score is measured against: those of held-out reals, kept with the checkpoint."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from avsync.metrics import calibration

DEFAULT_TRIM = "leading"  # the paper's rule


class Reference:
    """The scores of reals, the rules they were made by, and the threshold that they promise.

    Attributes:
      num_real: how many; 0 if the checkpoint has none, and then nothing has a p-value.
      source: where they are from, in words.
      trim: the rule of avsync.pp.silence by which those clips, and so any other, are trimmed.
      false_alarm_rate: of reals of that kind, at most this part scores above `threshold`.
      threshold: None if there are too few reals to promise one.
    """

    def __init__(self, kept: Mapping[str, Any] | None, *, false_alarm_rate: float):
        """`kept` is what `avsync.checkpoint.read_calibration` finds; ValueError for no rate."""
        self._scores = np.array(kept["scores"] if kept else [], float)
        self.num_real = len(self._scores)
        self.source = f"{kept['dataset']}, {kept['split']} split" if kept else ""
        self.trim = kept["trim"] if kept else DEFAULT_TRIM
        self.false_alarm_rate = false_alarm_rate
        self.threshold = None
        if (self.num_real + 1) * false_alarm_rate >= 1:
            self.threshold = calibration.threshold(self._scores, false_alarm_rate=false_alarm_rate)

    def p_value(self, score: float | None) -> float | None:
        """At least as many reals as this share score as high; None if it cannot be known."""
        if score is None or not self.num_real:
            return None
        return float(calibration.p_values(np.array([score]), calibration=self._scores)[0])

    def is_alarm(self, score: float | None) -> bool:
        """Whether the score is above the threshold."""
        return score is not None and self.threshold is not None and score > self.threshold
