"""What the script of a case page knows: frames and timecodes of the file, face boxes, scores."""

from typing import Any

import numpy as np

from avsync.media.file_clock import FileClock
from avsync.media.playback import Playback
from avsync.reports.video.case_panels import end_seconds
from avsync.reports.video.picture import thinned
from avsync.scoring import smoothed
from avsync.scoring.video.results import Timeline, VideoResult
from avsync.units import FRAMES_PER_SECOND

# Of all faces together: a page with more would be slow to load. 40 minutes of one face have as
# many; in longer files, boxes move in steps of several frames.
MAX_BOXES = 60_000

SCORE_DIGITS, TIME_DIGITS = 2, 4


def page_data(
    result: VideoResult, timeline: Timeline, *, clock: FileClock, playback: Playback
) -> dict[str, Any]:
    """The data, for `avsync.reports.html.json_script`; times are seconds after the first frame.

    Boxes are left, top, right, bottom, in pixels of the picture as shown, one after the other; each
    holds for `step` seconds. Scores are the means that the page draws, null where there is none.
    """
    num_boxes = sum(len(face.outlines) for face in result.faces)
    step = max(1, -(-num_boxes // MAX_BOXES))
    return {
        "end": round(end_seconds(result, timeline), TIME_DIGITS),
        "delay": round(playback.delay_seconds, TIME_DIGITS),
        "clock": {
            "count": clock.num_frames,
            "rate": clock.rate,
            "times": [round(time, TIME_DIGITS) for time in clock.times],
            "start": clock.start_frame,
            "isDrop": clock.is_drop,
        },
        "faces": [
            {
                "label": f"face {number}",
                "isTalking": face.is_talking,
                "start": round(face.start, TIME_DIGITS),
                "step": step / FRAMES_PER_SECOND,
                "boxes": face.outlines[::step].round().astype(int).ravel().tolist(),
            }
            for number, face in enumerate(result.faces, start=1)
        ],
        "scores": [
            {"start": round(track.start, TIME_DIGITS), **_means(track.frame_scores)}
            for track in timeline.tracks
        ],
    }


def _means(frame_scores: np.ndarray) -> dict[str, Any]:
    _, means = thinned(smoothed(frame_scores))
    step = max(1, -(-len(frame_scores) // max(1, len(means))))
    values = [round(float(m), SCORE_DIGITS) if np.isfinite(m) else None for m in means]
    return {"step": step / FRAMES_PER_SECOND, "values": values}
