"""Runs all gates over a split, and judges clips by face size and by duplicates."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.input_pipeline.contents import ClipFacts, read_digests, read_facts
from avsync.input_pipeline.gates import sync
from avsync.input_pipeline.gates.decisions import DROP, SHIFT, SHIFT_CORPUS, GateDecision
from avsync.types import Source

KEEP = "keep"

SYNC_ACTIONS = (KEEP, DROP, SHIFT, SHIFT_CORPUS)
DUPLICATES_ACTIONS = (KEEP, DROP)

EYE_DISTANCE = "eye_distance_pixels"  # a measurement of avsync.media.probe


class Gates(NamedTuple):
    """The settings of the gates; by default all gates are open.

    sync: one of SYNC_ACTIONS, for real clips out of sync by `sync_scores`, a scores.jsonl; the last
      is for all clips, by the A/V offset that the real ones share.
    sync_tolerance_frames: the largest A/V offset of a clip that counts as in sync.
    sync_margin: the least gain in fit at a clip's A/V offset over in sync, in nats per frame.
    min_eye_distance_pixels: clips with smaller faces in the raw video are dropped.
    duplicates: one of DUPLICATES_ACTIONS, for clips that are stored under another id too.
    """

    sync: str = KEEP
    sync_scores: str = ""
    sync_tolerance_frames: int = 1
    sync_margin: float = 0.5
    min_eye_distance_pixels: float = 0.0
    duplicates: str = KEEP

    def are_open(self) -> bool:
        """Return whether every gate lets every clip pass."""
        return self.sync == KEEP and self.duplicates == KEEP and self.min_eye_distance_pixels <= 0.0


def require_gates(gates: Gates) -> None:
    """ValueError, naming the field, if a setting is invalid."""
    for name, action, known in (
        ("sync", gates.sync, SYNC_ACTIONS),
        ("duplicates", gates.duplicates, DUPLICATES_ACTIONS),
    ):
        lookup.require(f"config.data.gates.{name}", action, list(known))
    if gates.sync != KEEP and not gates.sync_scores:
        raise ValueError(
            f"config.data.gates.sync is {gates.sync!r} but config.data.gates.sync_scores is empty: "
            "set it to a scores.jsonl written by avsync-evaluate --split=train"
        )


def judge(source: Source, gates: Gates) -> list[GateDecision]:
    """The decisions of all gates on all clips of the split, in the order on disk.

    One on the whole corpus comes first. Each closed gate reads the split once. ValueError if a clip
    cannot be judged.
    """
    require_gates(gates)
    decisions: list[GateDecision] = []
    scores = Path(gates.sync_scores).expanduser()
    if gates.sync == SHIFT_CORPUS:
        decisions.append(sync.judge_corpus(scores))
    elif gates.sync != KEEP:
        decisions += sync.judge(
            read_facts(source),
            sync.read_offsets(scores),
            tolerance_frames=gates.sync_tolerance_frames,
            min_margin=gates.sync_margin,
            action=gates.sync,
        )
    if gates.min_eye_distance_pixels > 0:
        decisions += judge_faces(
            read_facts(source), min_eye_distance_pixels=gates.min_eye_distance_pixels
        )
    if gates.duplicates != KEEP:
        decisions += judge_duplicates(read_digests(source))
    return sorted(decisions, key=lambda d: -1 if d.number is None else d.number)


def judge_faces(
    clips: Iterable[ClipFacts], *, min_eye_distance_pixels: float
) -> Iterator[GateDecision]:
    """Drops clips, real and fake, with a smaller eye distance in the raw video.

    The mouth crop of a small face is enlarged from a handful of pixels. ValueError for a clip whose
    eye distance is unknown.
    """
    for number, clip in enumerate(clips):
        if EYE_DISTANCE not in clip.media:
            raise ValueError(
                f"config.data.gates.min_eye_distance_pixels is {min_eye_distance_pixels}, but clip "
                f"{clip.clip_id} has no record of its eye distance in the raw video; only clips "
                "that avsync-prepare made of videos have one. Set it to 0."
            )
        if clip.media[EYE_DISTANCE] < min_eye_distance_pixels:
            reason = f"its eyes are {clip.media[EYE_DISTANCE]:.1f} pixels apart in the raw video"
            yield GateDecision(number, clip.clip_id, gate="faces", action=DROP, reason=reason)


def judge_duplicates(digests: Iterable[tuple[str, bytes]]) -> Iterator[GateDecision]:
    """Drops all but the first of the clips with equal pixels and samples.

    A duplicate counts twice, and may put one clip into two splits of a user's own dataset.
    """
    first: dict[bytes, str] = {}
    for number, (clip_id, digest) in enumerate(digests):
        original = first.setdefault(digest, clip_id)
        if original != clip_id:
            reason = f"its pixels and samples equal those of {original}"
            yield GateDecision(number, clip_id, gate="duplicates", action=DROP, reason=reason)
