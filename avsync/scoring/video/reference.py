"""The reference clips that scores are compared with, and the thresholds that follow from them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from avsync import lookup
from avsync.metrics import combination, domain
from avsync.metrics.calibration import num_needed, threshold
from avsync.metrics.domain import Domain
from avsync.metrics.tail import MIN_CALIBRATION, tail_p_values
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.trimming import RULES

# By field of `Scorer`, its key in a calibration.
RULE_KEYS = {"frame_score": "frame", "pooling": "pooling"}

# Without calibration clips, files are trimmed by the paper's rule.
NO_CALIBRATION: Mapping[str, Any] = {"scores": [], "trim": "leading"}

# Among the clips of the calibration, with the sound of another of them, the share that is told an
# offset out of sync. Each sentence of GRID begins after the same pause, so that the sound of
# another one seems to fit a little: unrelated sound is harder to tell there than elsewhere.
OFFSET_RATE = 0.05

# The evidence that this takes with the shipped scorer, for calibrations that do not say it, in nats
# for clips of `DEFAULT_FRAMES`.
DEFAULT_NATS = 60.0
DEFAULT_FRAMES = 75

STREAMS = ("mouths", "voices")

# The clips that a group needs for p-values of its own: with fewer, no score of a long file could
# stand out, see `metrics.tail`. At a rate of 5% a set of 30 has 3% on average, 0.1 to 11% for 95
# in 100 sets; a smaller rate needs more clips.
MIN_GROUP = MIN_CALIBRATION

Distances = Float[np.ndarray, " _"]


class Reference:
    """Scores of held-out real clips, how they were made, and the thresholds that they imply.

    Attributes:
      scores: of the reference clips.
      num_clips: the number of reference clips; 0 without calibration, and then nothing has a
        p-value.
      group: the group of real clips that was asked for, and whose clips alone these are if there
        are enough; "" for all clips.
      is_pooled: True if that group has too few clips, and those of all groups are used.
      clips: the clips in words: "reference clips (one speaker)".
      source: their dataset and split, in words.
      caution: what else a reader of the p-value must know; may be "".
      trim: the trimming rule of the reference clips, one of `avsync.scoring.video.trimming.RULES`.
      piece_frames: the length of the reference clips; None if unknown.
      is_speech_only: True if only frames with speech count.
      needs_speech: False if the reference clips have none that the detector of speech knows.
      offset_frames: the A/V offset that all of them have, and that was removed from them; it is
        removed from a file before it is compared with them.
      false_alarm_rate: the target share of such clips above the threshold.
      threshold: the score that at most this share exceeds; None if the clips are too few.
      frame_threshold: the same for `avsync.scoring.smoothed` frame scores; None for poolings whose
        threshold means nothing there.
      domain: by stream ("mouths", "voices"), what is known of the embeddings of the clips; empty
        for calibrations that do not say it.
    """

    def __init__(
        self,
        calibration: Mapping[str, Any] | None,
        *,
        false_alarm_rate: float,
        caution: str = "",
        group: str = "",
    ):
        """`calibration` is the result of `avsync.checkpoint.read_calibration`.

        ValueError if the rate is not between 0 and 1, or the trimming rule or the group is unknown.
        """
        if not 0 < false_alarm_rate < 1:
            raise ValueError(f"false_alarm_rate must lie between 0 and 1, got {false_alarm_rate}")
        given = calibration or NO_CALIBRATION
        # Made by `avsync-evaluate --calibrate` for verdicts; older calibrations have none.
        verdict = given.get("verdict") or {}
        own = verdict or given
        self._rules = {name: own[key] for name, key in RULE_KEYS.items() if calibration}
        scores, self.clips = own["scores"], _described(given.get("num_identities"))
        self.group, self.is_pooled = group, False
        if group:
            known = _scores_of_group(group, own.get("groups", {}))
            least = max(MIN_GROUP, num_needed(false_alarm_rate))
            self.is_pooled = len(known) < least
            if self.is_pooled:
                number = f"group {group} has {len(known)}, fewer than {least}"
                self.clips = f"reference clips of all groups ({number})"
            else:
                scores, self.clips = known, f"reference clips of group {group}"
        self.scores = np.array(scores, float)
        self._unrelated: list[float] = verdict.get("unrelated_nats", [])
        self.num_clips = len(self.scores)
        self.caution = caution
        self.source = f"{given['dataset']}, {given['split']} split" if calibration else ""
        self.trim = lookup.require("trimming rule of reference clips", given["trim"], RULES)
        self.piece_frames: int | None = given.get("num_frames")
        self.is_speech_only = bool(verdict.get("is_speech_only"))
        self.needs_speech = self.is_speech_only or not verdict
        self.offset_frames: int = given.get("realigned_frames", 0)
        self.false_alarm_rate = false_alarm_rate
        self.threshold: float | None = None
        if (self.num_clips + 1) * false_alarm_rate >= 1:
            self.threshold = threshold(self.scores, false_alarm_rate=false_alarm_rate)
        is_window = self._rules.get("pooling") == "window"
        self.frame_threshold = self.threshold if is_window else None
        self.domain = {
            stream: Domain.from_json(verdict[stream]) for stream in STREAMS if verdict.get(stream)
        }

    def group_entry(self) -> dict[str, Any] | None:
        """The entry "group" of a record; None unless a group was asked for.

        `is_pooled` says that its clips are too few, and `num_clips` how many were used instead.
        """
        if not self.group:
            return None
        return {"name": self.group, "is_pooled": self.is_pooled, "num_clips": self.num_clips}

    def apply_rules(self, scorer: Scorer) -> Scorer:
        """`scorer` with the frame-score and pooling rules of the reference clips.

        Scores made by different rules cannot be compared.
        """
        return scorer._replace(**self._rules)

    def p_values(self, piece_scores: Sequence[float]) -> Float[np.ndarray, " m"]:
        """The p-value of each piece, see `tail_p_values`; there must be calibration clips."""
        return tail_p_values(np.asarray(piece_scores, float), calibration=self.scores)

    def p_value(self, piece_scores: Sequence[float]) -> float | None:
        """A p-value of the hypothesis "all pieces are real"; None if it is unknown.

        For one piece, the share of clips that score at least as high, the piece itself included;
        for several, that of Simes' rule, see `avsync.metrics.combination`: a file of any length
        alarms as often as a clip, and one forged piece among many alarms if it stands out enough.
        """
        if not len(piece_scores) or not self.num_clips:
            return None
        return min(1.0, combination.simes(self.p_values(piece_scores)))

    def is_alarm(self, p_value: float | None) -> bool:
        """True if at most `false_alarm_rate` of real clips have so small a p-value."""
        return (
            p_value is not None
            and self.threshold is not None
            and (p_value <= self.false_alarm_rate)
        )

    def rejected(self, piece_scores: Sequence[float]) -> Bool[np.ndarray, " m"]:
        """The pieces that stand out; some if and only if `p_value` is an alarm."""
        if self.threshold is None or not len(piece_scores):
            return np.zeros(len(piece_scores), bool)
        return combination.rejected(self.p_values(piece_scores), rate=self.false_alarm_rate)

    def min_offset_nats(self, num_frames: int) -> float:
        """The evidence that makes an offset of a clip certain, see `min_offset_nats`."""
        frames = self.piece_frames or DEFAULT_FRAMES
        return min_offset_nats(self._unrelated, num_frames, piece_frames=frames)

    def unlike(self, distances: Mapping[str, Distances]) -> tuple[str, ...]:
        """The streams ("mouths", "voices") that are unlike those of the reference clips.

        `distances` has those of the windows of a clip, by stream, see `avsync.metrics.domain`.
        """
        return tuple(
            stream
            for stream, model in self.domain.items()
            if len(distances.get(stream, ()))
            and domain.clip_distance(distances[stream]) > model.threshold
        )


def min_offset_nats(
    unrelated_nats: Sequence[float], num_frames: int, *, piece_frames: int
) -> float:
    """The evidence over chance that makes an offset of a clip of this length certain, in nats.

    `unrelated_nats` is that of clips of `piece_frames` with unrelated sound, for an offset out of
    sync: at most the share `OFFSET_RATE` of such clips has as much. The evidence for the best of
    many offsets does not grow with the length of unrelated sound up to 4 pieces, and then like its
    root; below one piece it falls. (300 files of 1 to 16 pieces of GRID's talker, 200 of 11 others;
    400 clips of 30, 40 and 73 frames.)
    """
    nats = DEFAULT_NATS
    if len(unrelated_nats) + 1 >= 1 / OFFSET_RATE:
        nats = threshold(np.asarray(unrelated_nats, float), false_alarm_rate=OFFSET_RATE)
    root = float(np.sqrt(num_frames / piece_frames))
    return nats * max(min(root, 1.0), root / 2)


def _scores_of_group(group: str, groups: Mapping[str, list[float]]) -> list[float]:
    if not groups:
        raise ValueError(
            f"group {group} was asked for, and the calibration clips have no groups: calibrate "
            "with a manifest that has a column 'group' (--reals)"
        )
    return groups[lookup.require("group of the calibration clips", group, sorted(groups))]


def _described(num_identities: int | None) -> str:
    if num_identities is None:
        return "reference clips"
    number = "one speaker" if num_identities == 1 else f"{num_identities} speakers"
    return f"reference clips ({number})"
