"""The gate for real clips, or whole corpora, that are out of sync in the corpus itself.

A clip whose sound was recorded late teaches the model that late sound is in sync. The A/V offset of
each clip is read from the scores.jsonl that avsync-evaluate writes for the training split.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from avsync.evaluation.lines import VIEWS, Line, offsets_of_reals, read_lines
from avsync.input_pipeline.contents import ClipFacts
from avsync.input_pipeline.gates.decisions import SHIFT, SHIFT_CORPUS, GateDecision
from avsync.metrics.corpus_offset import corpus_offset
from avsync.types import REAL
from avsync.units import FRAMES_PER_SECOND


class Offset(NamedTuple):
    """The A/V offset of a clip: frames that its sound is late, and the gain in fit there.

    `margin` is in nats per frame. Both are None for a clip that is not judged, or too short.
    """

    frames: int | None
    margin: float | None


def read_offsets(path: Path) -> dict[str, Offset]:
    """The A/V offset of every clip in a scores.jsonl, by id; trimmed where both views exist.

    ValueError if the file is not a scores.jsonl, or if its version of avsync wrote no margins.
    """
    # The later view replaces the earlier one.
    return {
        line.clip_id: Offset(line.offset_frames, line.offset_margin)
        if line.is_judged
        else Offset(None, None)
        for line in sorted(_read(path), key=lambda line: VIEWS.index(line.view))
    }


def judge(
    clips: Iterable[ClipFacts],
    offsets: Mapping[str, Offset],
    *,
    tolerance_frames: int,
    min_margin: float,
    action: str,
) -> Iterator[GateDecision]:
    """Decides on real clips off by more than `tolerance_frames` with at least `min_margin`.

    Fakes pass, since their A/V offset may be the manipulation; so do clips whose offset is not
    measured. ValueError for a real clip without a line of scores.
    """
    for number, clip in enumerate(clips):
        if clip.label != REAL:
            continue
        if clip.clip_id not in offsets:
            raise ValueError(
                f"config.data.gates.sync_scores has no line for clip {clip.clip_id}: the file must "
                "cover the training split; write it with avsync-evaluate --split=train"
            )
        late, margin = offsets[clip.clip_id]
        if late is None or margin is None or abs(late) <= tolerance_frames or margin < min_margin:
            continue
        side = "late" if late > 0 else "early"
        yield GateDecision(
            number,
            clip.clip_id,
            gate="sync",
            action=action,
            reason=f"its sound is {abs(late)} frames ({abs(late) / FRAMES_PER_SECOND:.2f} s) "
            f"{side}; it fits better there by {margin:.2f} nats per frame",
            late_frames=late if action == SHIFT else 0,
        )


def judge_corpus(path: Path) -> GateDecision:
    """Shifts the sound of all clips by the offset that the real clips in a scores.jsonl share.

    By 0 frames unless the offset is sure, see `avsync.metrics.corpus_offset`. Fakes are shifted as
    well: the delay is that of the corpus. ValueError if the file is not a scores.jsonl.
    """
    found = corpus_offset(*offsets_of_reals(_read(path)))
    effect = "all sound is moved back by it" if found.constant_frames else "nothing is moved"
    return GateDecision(
        None,
        "",
        gate="sync",
        action=SHIFT_CORPUS,
        reason=f"A/V offset of the corpus: {found.described()}; {effect}",
        late_frames=found.constant_frames,
    )


def _read(path: Path) -> list[Line]:
    try:
        return read_lines(path)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"config.data.gates.sync_scores: {path} is not a scores.jsonl with offsets and margins "
            f"({type(error).__name__}: {error}); write one with avsync-evaluate --split=train"
        ) from error
