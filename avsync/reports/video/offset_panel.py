"""The panel of the A/V offset over time: how well each offset fits, and the offset if certain."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from avsync.reports.drawing import PALETTE
from avsync.reports.video.time_axis import set_time_ticks
from avsync.scoring.video.results import Timeline, TrackScores, VideoResult
from avsync.units import FRAMES_PER_SECOND

# It takes about one second of speech to tell offsets apart.
WINDOW_FRAMES = FRAMES_PER_SECOND

# More columns than this over the width of the picture show nothing more.
MAX_COLUMNS = 600

OFFSET_COLOUR = PALETTE[1]


def draw(axes: Axes, result: VideoResult, timeline: Timeline) -> None:
    """The fit in sliding windows of 1 s, dark where the sound fits; a line at a certain offset."""
    for track in timeline.tracks:
        axes.imshow(
            fit(track).T,
            cmap="Greys",
            vmin=0,
            vmax=1,
            extent=(track.start, track_end(track), *offset_limits(result, track)),
            aspect="auto",
            origin="lower",
            interpolation="nearest",
        )
    if result.offset_is_certain:
        for segment in result.offsets:
            height = segment.offset_seconds
            axes.plot(
                (segment.start, segment.end), (height, height), color=OFFSET_COLOUR, linewidth=1.4
            )
    axes.axhline(0, color="black", linewidth=0.8, linestyle=":")
    axes.set_ylabel("A/V offset (s)\nsound early | late", fontsize=8)
    axes.set_xlabel("time in the file; dark: where the sound fits, in windows of 1 s", fontsize=8)
    axes.set_yticks([-0.5, 0, 0.5])
    set_time_ticks(axes)


def fit(track: TrackScores) -> Float[np.ndarray, "n k"]:
    """How well each offset fits over the track, 0 at chance or below and 1 if it is certain.

    In up to `MAX_COLUMNS` windows of 1 s, evenly spaced.
    """
    means = _windowed(track.gains)
    step = -(-len(means) // MAX_COLUMNS)
    return np.clip(means[::step] / np.log(means.shape[1]), 0, 1)


def track_end(track: TrackScores) -> float:
    """The end of the track in seconds of the file."""
    return track.start + len(track.frame_scores) / FRAMES_PER_SECOND


def offset_limits(result: VideoResult, track: TrackScores) -> tuple[float, float]:
    """The lower and the upper edge of the offsets in `fit`, in seconds; positive is late sound."""
    edge = (track.gains.shape[1] // 2 + 0.5) / FRAMES_PER_SECOND
    usual = result.reference_offset_frames / FRAMES_PER_SECOND
    return usual - edge, usual + edge


def _windowed(gains: Float[np.ndarray, "t k"]) -> Float[np.ndarray, "t k"]:
    """The mean gain in a window around each frame, shorter at both ends of the clip."""
    total = np.pad(np.cumsum(gains, axis=0, dtype=float), ((1, 0), (0, 0)))
    frames = np.arange(len(gains))
    first = np.maximum(frames - WINDOW_FRAMES // 2, 0)
    end = np.minimum(frames + WINDOW_FRAMES // 2 + 1, len(gains))
    return (total[end] - total[first]) / (end - first)[:, None]
