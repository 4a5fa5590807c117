"""What a score is measured against: those of held-out reals, kept with the checkpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from avsync.metrics import calibration

DEFAULT_TRIM = "leading"  # the paper's rule


class Reference:
    """The scores of reals, the rules they were made by, and the threshold that they promise.

    Attributes:
      num_real: how many; 0 if the checkpoint has none, and then nothing has a p-value.
      reals: what they are, in words: "real clips of one talker", if that is known.
      source: where they are from, in words.
      caution: what else must be known to read a p-value; "" if nothing.
      trim: the rule of avsync.pp.silence by which those clips, and so any other, are trimmed.
      piece_frames: how long they are; None if that is not known.
      false_alarm_rate: of reals of that kind, at most this part are alarms.
      threshold: the score that so many of them exceed; None if there are too few to promise one.
    """

    def __init__(
        self, kept: Mapping[str, Any] | None, *, false_alarm_rate: float, caution: str = ""
    ):
        """`kept` is what `avsync.checkpoint.read_calibration` finds; ValueError for no rate."""
        self._scores = np.array(kept["scores"] if kept else [], float)
        self.num_real = len(self._scores)
        self.reals = _described(kept.get("num_identities") if kept else None)
        self.caution = caution
        self.source = f"{kept['dataset']}, {kept['split']} split" if kept else ""
        self.trim: str = kept["trim"] if kept else DEFAULT_TRIM
        self.piece_frames: int | None = kept.get("num_frames") if kept else None
        self.false_alarm_rate = false_alarm_rate
        self.threshold: float | None = None
        if (self.num_real + 1) * false_alarm_rate >= 1:
            self.threshold = calibration.threshold(self._scores, false_alarm_rate=false_alarm_rate)

    def p_value(self, piece_scores: Sequence[float]) -> float | None:
        """For a file of reals, P(p <= a) <= a at every a; None if it cannot be known.

        Of a file in one piece, the share of reals that score as high, itself counted. Of several,
        twice the mean of those of its pieces, at most 1: a p-value however they depend on one
        another (Vovk & Wang, Combining p-values via averaging, Biometrika 2020, sec. 3). So a
        forgery of most of a file is an alarm; that of a word in an hour is not, and is found by its
        frame scores if at all.
        """
        if not len(piece_scores) or not self.num_real:
            return None
        scores = np.asarray(piece_scores, float)
        p_values = calibration.p_values(scores, calibration=self._scores)
        factor = 1 if len(p_values) == 1 else 2
        return min(1.0, factor * float(p_values.mean()))

    def is_alarm(self, p_value: float | None) -> bool:
        """Whether so small a p-value is had by no more than `false_alarm_rate` of reals."""
        return (
            p_value is not None
            and self.threshold is not None
            and (p_value <= self.false_alarm_rate)
        )


def _described(num_identities: int | None) -> str:
    if num_identities is None:
        return "real clips"
    return f"real clips of {'one talker' if num_identities == 1 else f'{num_identities} talkers'}"
