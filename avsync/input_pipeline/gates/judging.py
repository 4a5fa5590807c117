"""All gates at once: which clips of a split they do not let pass."""

from pathlib import Path
from typing import NamedTuple

from avsync import lookup
from avsync.input_pipeline.contents import read_digests, read_facts
from avsync.input_pipeline.gates import duplicates, faces, sync
from avsync.input_pipeline.gates.findings import DROP, SHIFT, Finding
from avsync.types import Source

KEEP = "keep"

SYNC_ACTIONS = (KEEP, DROP, SHIFT)
DUPLICATES_ACTIONS = (KEEP, DROP)


class Gates(NamedTuple):
    """How the gates are set; as it is here, all of them are open.

    sync: one of SYNC_ACTIONS, for reals that are out of sync by `sync_scores`, a scores.jsonl.
    sync_tolerance_frames: offsets as small as that are taken for in sync.
    sync_margin: how much better a clip must fit at its offset than in sync, in nats a frame.
    min_eye_distance_pixels: clips with a smaller face in the raw video are left out.
    duplicates: one of DUPLICATES_ACTIONS, for clips that are there under another name too.
    """

    sync: str = KEEP
    sync_scores: str = ""
    sync_tolerance_frames: int = 1
    sync_margin: float = 0.5
    min_eye_distance_pixels: float = 0.0
    duplicates: str = KEEP

    def are_open(self) -> bool:
        """Whether they let every clip pass, whatever it is."""
        return self.sync == KEEP and self.duplicates == KEEP and self.min_eye_distance_pixels <= 0.0


def require_gates(gates: Gates) -> None:
    """ValueError, naming the field, if the gates cannot be set so."""
    for name, action, known in (
        ("sync", gates.sync, SYNC_ACTIONS),
        ("duplicates", gates.duplicates, DUPLICATES_ACTIONS),
    ):
        lookup.require(f"config.data.gates.{name}", action, list(known))
    if gates.sync != KEEP and not gates.sync_scores:
        raise ValueError(
            f"config.data.gates.sync is {gates.sync!r}, which goes by the offsets in a scores.jsonl"
            ": write one by avsync-evaluate --split=train, and name it as "
            "config.data.gates.sync_scores"
        )


def judge(source: Source, gates: Gates) -> list[Finding]:
    """What each gate finds among all clips of the split, in the order on disk.

    Each gate that is not open reads the split once. ValueError if it cannot tell.
    """
    require_gates(gates)
    found: list[Finding] = []
    if gates.sync != KEEP:
        found += sync.judge(
            read_facts(source),
            sync.read_offsets(Path(gates.sync_scores).expanduser()),
            tolerance_frames=gates.sync_tolerance_frames,
            min_margin=gates.sync_margin,
            action=gates.sync,
        )
    if gates.min_eye_distance_pixels > 0:
        found += faces.judge(
            read_facts(source), min_eye_distance_pixels=gates.min_eye_distance_pixels
        )
    if gates.duplicates != KEEP:
        found += duplicates.judge(read_digests(source))
    return sorted(found, key=lambda finding: finding.number)
