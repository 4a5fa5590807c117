"""Records of results, as a job writes them."""

from typing import Any

from avsync.files import Content, Stamp
from avsync.reports.video.record import make_record
from avsync.scoring.video.results import VideoResult
from avsync.scoring.video.video_scorer import Origin


def record_of(result: VideoResult, **fields: Any) -> dict[str, Any]:
    """The record of a file of 5 bytes; `fields` are further arguments of `make_record`."""
    return make_record(
        result,
        content=Content("ab", Stamp(5, 1.5)),
        thresholds={"score": 1.0, "false_alarm_rate": 0.05},
        origin=Origin("m" * 16),
        **fields,
    )
