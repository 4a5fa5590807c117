"""The record of a scored file: its line of scores.jsonl, and the single values in it.

The values have the names that scores.csv has as columns, and that rules such as "abs(offset_ms) <=
40" use.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from avsync import __version__, names
from avsync.files import Content, Stamp
from avsync.scoring.lse import Lse
from avsync.scoring.video.results import OffsetSegment, SyncResult, VideoResult
from avsync.scoring.video.segments import Segment
from avsync.scoring.video.video_scorer import Origin
from avsync.units import FRAMES_PER_SECOND

Record = dict[str, Any]

# What a reader looks for comes first, where it comes from last.
FIRST = ("path", "sha256", "status", "verdict", "message", "score", "p_value")
FIRST += ("offset_frames", "offset_seconds", "offset_is_certain", "faces", "segments")

# Decimals of a frame score in frames.jsonl: two training seeds already differ in the first.
DIGITS = 4

# Values of these names are text, all others numbers or truth values.
TEXTS = {"path", "sha256", "status", "verdict", "message", "compared_with", "picture"}
TEXTS |= {"reason", "page", "model", "version"}

# Sentences of a hundred words, the same for all files; and an entry for each second.
NO_VALUES = {"compared_with", "who_talks"}


def make_record(
    result: VideoResult,
    *,
    content: Content,
    thresholds: Mapping[str, float | None],
    origin: Origin,
    compared_with: str | None = None,
    picture: str | None = None,
    page: str | None = None,
    group: Mapping[str, Any] | None = None,
) -> Record:
    """The record of a file, in the order of its fields.

    Besides the fields of the result: what it was compared with, in words; the names of its picture
    and its page; the hash, size and time of the file when it was read; the thresholds, the
    fingerprint of the model, and the version of avsync; with --group, `Reference.group_entry`.
    """
    fields = {"verdict": result.verdict, **result.to_json(), "sha256": content.sha256}
    first = {name: fields.pop(name) for name in FIRST}
    return {
        **first,
        **fields,
        "compared_with": compared_with,
        "picture": picture,
        "page": page,
        **content.stamp._asdict(),
        "thresholds": dict(thresholds),
        **({} if group is None else {"group": group}),
        "model": origin.model,
        "version": __version__,
    }


def frame_record(result: VideoResult) -> Record | None:
    """The line of frames.jsonl: the frame scores of each talking face, from `start` on.

    One for each 0.04 s; null for a frame without speech, and for one whose sound, realigned,
    lies beyond the file. None for a file without a score.
    """
    if result.timeline is None:
        return None
    return {
        "path": names.portable(result.path),
        "is_realigned": result.is_realigned,
        "faces": [
            {
                "start": round(float(track.start), 3),
                "frame_scores": [
                    round(float(score), DIGITS) if np.isfinite(score) else None
                    for score in track.frame_scores
                ],
            }
            for track in result.timeline.tracks
        ],
    }


def values(record: Record) -> dict[str, Any]:
    """The single values of a record, or of a face in it, by name; its lists are counted."""
    single: dict[str, Any] = {}
    for name, value in record.items():
        if name in NO_VALUES:
            continue
        if isinstance(value, list):
            single[f"num_{name}"] = len(value)
        elif not isinstance(value, dict):
            single[name] = value
    offset_seconds = record.get("offset_seconds")
    single["offset_ms"] = None if offset_seconds is None else 1000 * offset_seconds
    for name, value in record.get("thresholds", {}).items():
        single[f"threshold_{name}"] = value
    lse = record.get("lse") or {}
    single |= {name: lse.get(name) for name in ("lse_d", "lse_c")}
    return single | {"lse_offset_frames": lse.get("offset_frames")}


def empty_values() -> dict[str, Any]:
    """The values of a file that could not be scored: all names that there are."""
    nothing = VideoResult(path="", status="failed")
    content, thresholds = (
        Content(None, Stamp(None, None)),
        {"score": None, "false_alarm_rate": None},
    )
    return values(make_record(nothing, content=content, thresholds=thresholds, origin=Origin()))


def example_values() -> dict[str, Any]:
    """An example of each value, of its type, to check rules with."""
    examples: dict[str, Any] = {}
    for name, value in empty_values().items():
        is_truth = isinstance(value, bool) or "_is_" in f"_{name}"
        examples[name] = "" if name in TEXTS else True if is_truth else 1.0
    return examples


def sync_result(record: Record) -> SyncResult:
    """What a record says about the file as a whole, as it was before it was written."""
    fields = {name: record[name] for name in SyncResult().sync_fields() if name in record}
    fields["offsets"] = tuple(
        OffsetSegment(
            segment["start"],
            segment["end"],
            segment["offset_frames"],
            segment["offset_seconds"] * FRAMES_PER_SECOND,
        )
        for segment in record["offsets"]
    )
    fields["segments"] = tuple(Segment(**segment) for segment in record["segments"])
    fields["unlike"] = tuple(record["unlike"])
    if record["offset_frames"] is not None:
        reference = record["offset_frames"] - record["relative_offset_frames"]
        fields["reference_offset_frames"] = reference
    return SyncResult(**fields)


def lse_of(record: Record) -> Lse | None:
    """The LSE in a record; None if it has none."""
    entry = record.get("lse")
    return Lse(**{name: entry[name] for name in Lse._fields}) if entry else None
