"""The decisions of the gates, as files for people to read and for resumed trainings.

DIRECTORY/gates.jsonl    one line per dropped or shifted clip, with the reason; one if all are
DIRECTORY/gates.json     the settings of the gates, and counts by gate
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync.files import atomic_write
from avsync.types import Source, SplitEdits

SUMMARY, DECISIONS = "gates.json", "gates.jsonl"

# A gate drops a clip, or shifts its sound back by `late_frames`, or that of every clip.
DROP, SHIFT, SHIFT_CORPUS = "drop", "shift", "shift_corpus"


class GateDecision(NamedTuple):
    """The action of `gate` on a clip; `number` is the clip's index in the order on disk.

    For `SHIFT_CORPUS`, which is on all clips, `number` is None and `clip_id` "".
    """

    number: int | None
    clip_id: str
    gate: str
    action: str
    reason: str
    late_frames: int = 0


def apply(decisions: Sequence[GateDecision], source: Source) -> Source:
    """`source` with the drops and shifts applied; ValueError if no clip is left."""
    dropped = frozenset(d.number for d in decisions if d.action == DROP and d.number is not None)
    late_frames = {
        d.clip_id: d.late_frames for d in decisions if d.action == SHIFT and d.number not in dropped
    }
    corpus_late_frames = sum(d.late_frames for d in decisions if d.action == SHIFT_CORPUS)
    num_clips = source.num_clips - len(dropped)
    if not num_clips:
        raise ValueError(
            f"{source.dataset}/{source.split}: the gates drop all {source.num_clips} clips "
            f"({_counts(decisions)}). Relax config.data.gates."
        )
    edits = SplitEdits(dropped, late_frames, corpus_late_frames)
    return source._replace(num_clips=num_clips, edits=edits)


def describe(decisions: Sequence[GateDecision], *, num_clips: int) -> str:
    """One line for the log: how many of `num_clips` clips are dropped and shifted, by gate.

    What is done to all clips is told with its reason.
    """
    num_dropped = len({d.number for d in decisions if d.action == DROP})
    num_shifted = len({d.number for d in decisions if d.action == SHIFT})
    counted = [d for d in decisions if d.action != SHIFT_CORPUS]
    counts = f" ({_counts(counted)})" if counted else ""
    line = f"gates: {num_dropped} of {num_clips} clips dropped, {num_shifted} shifted{counts}"
    return "; ".join([line, *[d.reason for d in decisions if d.action == SHIFT_CORPUS]])


def write(
    decisions: Sequence[GateDecision], directory: Path, *, settings: Mapping[str, Any]
) -> None:
    """Writes gates.jsonl, then gates.json: if the latter exists, both are complete."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(decision._asdict()) + "\n" for decision in decisions)
    atomic_write(directory / DECISIONS, lines)
    by_gate = {gate: dict(_by_action(decisions, gate)) for gate in _gates(decisions)}
    summary = {"settings": settings, "by_gate": by_gate}
    atomic_write(directory / SUMMARY, json.dumps(summary, indent=2) + "\n")


def read(directory: Path, *, settings: Mapping[str, Any]) -> list[GateDecision] | None:
    """The decisions written there, or None; ValueError if their settings differ from `settings`."""
    path = directory / SUMMARY
    if not path.is_file():
        return None
    before = json.loads(path.read_text(encoding="utf-8"))["settings"]
    if before != settings:
        names = sorted(n for n in before.keys() | settings if before.get(n) != settings.get(n))
        changes = "; ".join(f"{n}: {before.get(n)!r} then, {settings.get(n)!r} now" for n in names)
        raise ValueError(
            f"{path} was written for other gates or other data ({changes}): the batches would "
            "differ. Choose another --workdir, or remove that file if nothing was trained there."
        )
    lines = (directory / DECISIONS).read_text(encoding="utf-8").splitlines()
    return [GateDecision(**json.loads(line)) for line in lines]


def _counts(decisions: Sequence[GateDecision]) -> str:
    return ", ".join(
        f"{gate}: {count} {action}"
        for gate in _gates(decisions)
        for action, count in _by_action(decisions, gate).items()
    )


def _gates(decisions: Sequence[GateDecision]) -> list[str]:
    return list(dict.fromkeys(decision.gate for decision in decisions))


def _by_action(decisions: Sequence[GateDecision], gate: str) -> Counter[str]:
    return Counter(d.action for d in decisions if d.gate == gate)
