"""The reference clips that a score is compared with, and the decisions that follow from it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from avsync import lookup
from avsync.metrics.calibration import p_values, threshold
from avsync.scoring.offset_runs import CHANGE_NATS
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.results import SyncResult, Verdict
from avsync.scoring.video.trimming import RULES

# By field of `Scorer`, its key in a calibration.
RULE_KEYS = {"frame_score": "frame", "pooling": "pooling"}

# Without calibration clips, files are trimmed by the paper's rule.
NO_CALIBRATION: Mapping[str, Any] = {"scores": [], "trim": "leading"}

# Sound moved to its best of many offsets fits by selection alone. So an offset is certain only if
# the realigned p-value exceeds this multiple of the false-alarm rate, and the offset changes at
# most once per piece. This accepts 97 of 100 real GRID clips with late sound, 94 with a late second
# half, and 2 of 100 with the sound of another sentence; requiring no alarm alone would accept 45 of
# these (validation split).
CERTAINTY_FACTOR = 2


class Reference:
    """Scores of held-out real clips, how they were made, and the threshold that they imply.

    Attributes:
      num_clips: the number of reference clips; 0 without calibration, and then nothing has a
        p-value.
      clips: the clips in words: "reference clips (one speaker)".
      source: their dataset and split, in words.
      caution: what else a reader of the p-value must know; may be "".
      trim: the trimming rule of the reference clips, one of `avsync.scoring.video.trimming.RULES`.
      piece_frames: the length of the reference clips; None if unknown.
      offset_frames: the A/V offset that all of them have, and that was removed from them; it is
        removed from a file before it is compared with them.
      false_alarm_rate: the target share of such clips above the threshold.
      threshold: the score that at most this share exceeds; None if the clips are too few.
    """

    def __init__(
        self, calibration: Mapping[str, Any] | None, *, false_alarm_rate: float, caution: str = ""
    ):
        """`calibration` is the result of `avsync.checkpoint.read_calibration`.

        ValueError if the rate is not between 0 and 1, or the trimming rule is unknown.
        """
        if not 0 < false_alarm_rate < 1:
            raise ValueError(f"false_alarm_rate must lie between 0 and 1, got {false_alarm_rate}")
        given = calibration or NO_CALIBRATION
        self._rules = {name: given[key] for name, key in RULE_KEYS.items() if calibration}
        self._scores = np.array(given["scores"], float)
        self.num_clips = len(self._scores)
        self.clips = _described(given.get("num_identities"))
        self.caution = caution
        self.source = f"{given['dataset']}, {given['split']} split" if calibration else ""
        self.trim = lookup.require("trimming rule of reference clips", given["trim"], RULES)
        self.piece_frames: int | None = given.get("num_frames")
        self.offset_frames: int = given.get("realigned_frames", 0)
        self.false_alarm_rate = false_alarm_rate
        self.threshold: float | None = None
        if (self.num_clips + 1) * false_alarm_rate >= 1:
            self.threshold = threshold(self._scores, false_alarm_rate=false_alarm_rate)

    def apply_rules(self, scorer: Scorer) -> Scorer:
        """`scorer` with the frame-score and pooling rules of the reference clips.

        Scores made by different rules cannot be compared.
        """
        return scorer._replace(**self._rules)

    def p_value(self, piece_scores: Sequence[float]) -> float | None:
        """A p-value of the hypothesis "real": P(p <= a) <= a at every a; None if unknown.

        For one piece, the share of clips that score at least as high, the piece itself included.
        For several, twice the mean of their p-values, at most 1, which is valid whatever their
        dependence (Vovk & Wang, Combining p-values via averaging, Biometrika 2020, sec. 3). So a
        forgery of most of a file raises an alarm. A forged word in an hour does not: only frame
        scores can show it.
        """
        if not len(piece_scores) or not self.num_clips:
            return None
        scores = np.asarray(piece_scores, float)
        each = p_values(scores, calibration=self._scores)
        factor = 1 if len(each) == 1 else 2
        return min(1.0, factor * float(each.mean()))

    def is_alarm(self, p_value: float | None) -> bool:
        """True if at most `false_alarm_rate` of real clips have so small a p-value."""
        return (
            p_value is not None
            and self.threshold is not None
            and (p_value <= self.false_alarm_rate)
        )

    def is_certain(self, result: SyncResult) -> bool:
        """True if the sound lies where `result.offsets` say: in sync, or clearly better elsewhere.

        An offset out of sync is never certain without enough reference clips.
        """
        if not result.is_shifted:
            return result.fits_somewhere
        if result.score_resynced is None or result.p_value_resynced is None:
            return False
        fits = result.p_value_resynced > CERTAINTY_FACTOR * self.false_alarm_rate
        is_better = result.score_resynced < (result.score or 0.0)
        is_steady = len(result.offsets) - 1 <= result.num_pieces
        is_clear = (result.offset_gain or 0.0) >= CHANGE_NATS
        return self.threshold is not None and fits and is_better and is_steady and is_clear

    def verdict(self, result: SyncResult) -> Verdict:
        """The verdict on a result whose `offset_is_certain` is set."""
        if self.threshold is None:
            return "not_judged"
        if result.is_shifted and result.offset_is_certain:
            return "out_of_sync"
        return "mismatched" if self.is_alarm(result.p_value) else "consistent"


def _described(num_identities: int | None) -> str:
    if num_identities is None:
        return "reference clips"
    number = "one speaker" if num_identities == 1 else f"{num_identities} speakers"
    return f"reference clips ({number})"
