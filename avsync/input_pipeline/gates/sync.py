"""Reals that are out of sync in the corpus itself, by the offsets that a model found.

A clip whose sound was recorded late teaches that late is in time. How late each clip is, is read
from the scores.jsonl that avsync-evaluate writes of the very split that is trained on.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from avsync.input_pipeline.contents import ClipFacts
from avsync.input_pipeline.gates.findings import SHIFT, Finding
from avsync.types import REAL
from avsync.units import FRAMES_PER_SECOND

# Of a clip that was scored in both views, the one that is like what training sees.
VIEWS = ("trimmed", "original")


class Offset(NamedTuple):
    """By how many frames a clip's sound is late, and how much better it fits there, nats a frame.

    Both are None for a clip that could not be scored.
    """

    frames: int | None
    margin: float | None


def read_offsets(path: Path) -> dict[str, Offset]:
    """The offset of every clip in a scores.jsonl, by id.

    ValueError if it is no such file, or is of a version of avsync that wrote no margins.
    """
    views: dict[str, dict[str, Offset]] = {view: {} for view in VIEWS}
    try:
        with path.open() as lines:
            for line in map(json.loads, lines):
                offset = Offset(line["offset_frames"], line["offset_margin"])
                views[line["view"]][line["clip_id"]] = offset
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"config.data.gates.sync_scores: {path} is no scores.jsonl with offsets and margins "
            f"({type(error).__name__}: {error}); write one by avsync-evaluate of the train split"
        ) from error
    return views["original"] | views["trimmed"]


def judge(
    clips: Iterable[ClipFacts],
    offsets: Mapping[str, Offset],
    *,
    tolerance_frames: int,
    min_margin: float,
    action: str,
) -> Iterator[Finding]:
    """The reals that are off by more than `tolerance_frames` and surer of it than `min_margin`.

    Fakes pass: to be out of sync may be what is fake about them, and so do clips that could not be
    scored. ValueError for a real of which there is no line.
    """
    for number, clip in enumerate(clips):
        if clip.label != REAL:
            continue
        if clip.clip_id not in offsets:
            raise ValueError(
                f"config.data.gates.sync_scores has no line for clip {clip.clip_id}: the file must "
                "be of the split that is trained on; write it by avsync-evaluate --split=train"
            )
        late, margin = offsets[clip.clip_id]
        if late is None or margin is None or abs(late) <= tolerance_frames or margin < min_margin:
            continue
        side = "late" if late > 0 else "early"
        yield Finding(
            number,
            clip.clip_id,
            gate="sync",
            action=action,
            reason=f"its sound is {abs(late)} frames ({abs(late) / FRAMES_PER_SECOND:.2f} s) "
            f"{side}, where it fits better by {margin:.2f} nats a frame",
            late_frames=late if action == SHIFT else 0,
        )
