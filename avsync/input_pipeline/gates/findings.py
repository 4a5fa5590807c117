"""What a gate found, as a list that people read and trainings go by: gates.jsonl.

DIRECTORY/gates.jsonl    a line for each clip that is left out or moved, and why
DIRECTORY/gates.json     how the gates were set, and how many clips each of them found
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avsync.files import atomic_write
from avsync.types import Gated, Source

SUMMARY, FINDINGS = "gates.json", "gates.jsonl"

# What a gate does to a clip: it leaves it out, or moves its sound back by `late_frames`.
DROP, SHIFT = "drop", "shift"


class Finding(NamedTuple):
    """A clip, by its number in the order on disk, that `gate` does not let pass as it is."""

    number: int
    clip_id: str
    gate: str
    action: str
    reason: str
    late_frames: int = 0


def apply(findings: Sequence[Finding], source: Source) -> Source:
    """`source` without the clips that are to be left out, the others put right.

    ValueError if no clip is left.
    """
    left_out = frozenset(found.number for found in findings if found.action == DROP)
    late_frames = {
        found.clip_id: found.late_frames
        for found in findings
        if found.action == SHIFT and found.number not in left_out
    }
    num_clips = source.num_clips - len(left_out)
    if not num_clips:
        raise ValueError(
            f"{source.dataset}/{source.split}: the gates leave none of {source.num_clips} clips "
            f"({_counts(findings)}). Set config.data.gates less strictly."
        )
    return source._replace(num_clips=num_clips, gated=Gated(left_out, late_frames))


def describe(findings: Sequence[Finding], *, num_clips: int) -> str:
    """One line for the log: how many of `num_clips` are left out and moved, by gate."""
    left_out = len({found.number for found in findings if found.action == DROP})
    counts = f" ({_counts(findings)})" if findings else ""
    num_moved = len({found.number for found in findings if found.action == SHIFT})
    return f"gates: {left_out} of {num_clips} clips left out, {num_moved} moved{counts}"


def write(findings: Sequence[Finding], directory: Path, *, settings: Mapping[str, Any]) -> None:
    """gates.jsonl and gates.json, the latter last: where it is, both are whole."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(found._asdict()) + "\n" for found in findings)
    atomic_write(directory / FINDINGS, lines)
    by_gate = {gate: dict(_by_action(findings, gate)) for gate in _gates(findings)}
    summary = {"settings": settings, "by_gate": by_gate}
    atomic_write(directory / SUMMARY, json.dumps(summary, indent=2) + "\n")


def read(directory: Path, *, settings: Mapping[str, Any]) -> list[Finding] | None:
    """What was found there before, or None; ValueError if with other `settings`."""
    path = directory / SUMMARY
    if not path.is_file():
        return None
    before = json.loads(path.read_text())["settings"]
    if before != settings:
        names = sorted(n for n in before.keys() | settings if before.get(n) != settings.get(n))
        changes = "; ".join(f"{n}: {before.get(n)!r} then, {settings.get(n)!r} now" for n in names)
        raise ValueError(
            f"{path} is of other gates or of other data ({changes}): batches would not be those of "
            "before. Choose another --workdir, or remove that file if nothing was trained there."
        )
    lines = (directory / FINDINGS).read_text().splitlines()
    return [Finding(**json.loads(line)) for line in lines]


def _counts(findings: Sequence[Finding]) -> str:
    return ", ".join(
        f"{gate}: {count} {action}"
        for gate in _gates(findings)
        for action, count in _by_action(findings, gate).items()
    )


def _gates(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(found.gate for found in findings))


def _by_action(findings: Sequence[Finding], gate: str) -> Counter[str]:
    return Counter(found.action for found in findings if found.gate == gate)
