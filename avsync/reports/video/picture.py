"""The picture of a scored file: its sound, lip-sync scores over time, offset, worst moments."""

import itertools
import textwrap
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avsync.names import shown
from avsync.reports.drawing import DOTS_PER_INCH, PALETTE, drawable
from avsync.reports.video import offset_panel
from avsync.scoring import smoothed
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import Moment, Timeline, VideoResult
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE, SAMPLE_RATE

WIDTH_INCHES, HEIGHT_INCHES = 1200 / DOTS_PER_INCH, 1500 / DOTS_PER_INCH

TITLE_POINTS, CAUTION_POINTS = 8.5, 6.5

# In a line of a sentence, and of a name, which may have nothing but the widest characters.
TITLE_CHARACTERS, NAME_CHARACTERS = 84, 44

# Places in inches. Matplotlib would find them itself, and the edges of the picture, by drawing all
# texts three times: 0.44 instead of 0.31 CPU s a picture, when its other parts took longer.
LEFT, RIGHT, EDGE = 0.95, 0.25, 0.12
LINE = TITLE_POINTS * 1.25 / 72
LEGEND, LABELS, TITLES, GAP = 0.32, 0.5, 0.28, 0.14
BOTTOM = 0.7  # the labels of the lowest row, and the caution
HEIGHTS = (1.0, 2.3, 1.6, 1.15)  # of sound, scores, offsets over time, lowest row: their ratio

# More points than this over the width of the picture make a line no finer.
MAX_POINTS = 1200

Place = tuple[float, float, float, float]  # left, bottom, width, height

SOUND, SCORE, SUSPICIOUS, OTHER = "#666666", PALETTE[0], PALETTE[1], "#bbbbbb"

BAR_SECONDS = 0.034  # of the 0.04 between two offsets


def draw(result: VideoResult, reference: Reference) -> Figure:
    """The picture of a file that has a score."""
    timeline = result.timeline
    assert timeline is not None, f"{result.path} has no score to draw"
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES))
    title = _title(result, reference)
    texts = {"x": EDGE / WIDTH_INCHES, "ha": "left"}
    top = 1 - EDGE / HEIGHT_INCHES
    figure.suptitle(title, y=top, va="top", fontsize=TITLE_POINTS, **texts)
    caution = verdict.caution(reference)
    figure.supxlabel(caution, y=1 - top, fontsize=CAUTION_POINTS, color=SOUND, **texts)
    sound, scores, offset, bottom = _places(num_lines=title.count("\n") + 1)
    sound = figure.add_axes(_share(sound))
    scores = figure.add_axes(_share(scores), sharex=sound)
    offset = figure.add_axes(_share(offset), sharex=sound)
    _draw_sound(sound, timeline)
    _draw_scores(scores, result, timeline, reference)
    scores.tick_params(labelbottom=False)
    offset_panel.draw(offset, result, timeline)
    for axes in (sound, scores):
        for segment in result.segments:
            axes.axvspan(segment.start, segment.end, color=SUSPICIOUS, alpha=0.18, linewidth=0)
    moments = shown_moments(result)
    for i, moment in enumerate(moments):
        axes = figure.add_axes(_share(_column(bottom, i, 1)))
        axes.imshow(moment.crop, cmap="gray", vmin=0, vmax=255)
        axes.set_title(f"{i + 1}: {verdict.clock(moment.seconds)}", fontsize=8)
        axes.set_xlabel(f"score {moment.score:.1f}", fontsize=8)
        axes.set(xticks=[], yticks=[])
    whole = figure.add_axes(_share(_column(bottom, 4 if moments else 2, 2)))
    _draw_offsets(whole, result, timeline)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7.5)
    return figure


def _places(*, num_lines: int) -> list[Place]:
    """The places of the four rows below a title of this many lines."""
    above = (2 * EDGE + num_lines * LINE, LEGEND, GAP, LABELS + TITLES)
    unit = (HEIGHT_INCHES - sum(above) - BOTTOM) / sum(HEIGHTS)
    places, top = [], HEIGHT_INCHES
    for space, height in zip(above, HEIGHTS, strict=True):
        top -= space + height * unit
        places.append((LEFT, top, WIDTH_INCHES - LEFT - RIGHT, height * unit))
    return places


def _column(row: Place, first: int, number: int) -> Place:
    """Columns of the lowest row, which has six from edge to edge of the picture."""
    _, bottom, _, height = row
    step = (WIDTH_INCHES - 2 * EDGE) / 6
    return (EDGE + (first + 0.05) * step, bottom, (number - 0.1) * step, height)


def _share(place: Place) -> Place:
    left, bottom, width, height = place
    return (
        left / WIDTH_INCHES,
        bottom / HEIGHT_INCHES,
        width / WIDTH_INCHES,
        height / HEIGHT_INCHES,
    )


def shown_moments(result: VideoResult) -> list[Moment]:
    """The worst moments of a file; where it fits, they would look like an accusation."""
    moments = result.timeline.moments if result.timeline else []
    if result.verdict == "not_judged":
        return moments
    return [m for m in moments if any(s.start <= m.seconds <= s.end for s in result.segments)]


def frame_threshold_text(reference: Reference) -> str:
    """What the threshold of smoothed frame scores means."""
    rate = verdict.percent(reference.false_alarm_rate)
    return f"exceeded by {rate} of reference clips"


def _title(result: VideoResult, reference: Reference) -> str:
    score = f"mismatch score {result.score:.2f}"
    if result.is_realigned:
        score += f"; {result.score_resynced:.2f} after realignment"
    name = shown(drawable(Path(result.path).name))
    lines = [
        textwrap.fill(name, NAME_CHARACTERS),
        result.message,
        score,
        verdict.p_value_text(result, reference),
    ]
    wrapped = (textwrap.wrap(line, TITLE_CHARACTERS) for text in lines for line in text.split("\n"))
    return "\n".join(itertools.chain.from_iterable(wrapped))


def _draw_sound(axes: Axes, timeline: Timeline) -> None:
    heights, step_seconds = peaks(timeline.waveform)
    times = timeline.start_seconds + np.arange(len(heights)) * step_seconds
    axes.fill_between(times, -heights, heights, color=SOUND, linewidth=0)
    axes.set_ylabel("sound", fontsize=8)
    axes.set_yticks([])
    axes.tick_params(labelbottom=False)
    axes.set_xlim(times[0], timeline.start_seconds + len(timeline.waveform) / SAMPLE_RATE)


def _draw_scores(axes: Axes, result: VideoResult, timeline: Timeline, reference: Reference) -> None:
    is_short = sum(len(track.frame_scores) for track in timeline.tracks) <= MAX_POINTS
    for i, track in enumerate(timeline.tracks):
        if is_short:
            axes.plot(
                track.times,
                track.frame_scores,
                color=SCORE,
                alpha=0.35,
                linewidth=0.8,
                label="" if i else "each frame",
            )
        times, means = thinned(smoothed(track.frame_scores))
        label = "" if i else "mean over 0.4 s of speech"
        axes.plot(track.start + times, means, color=SCORE, linewidth=1.8, label=label)
    if reference.frame_threshold is not None:
        axes.axhline(
            reference.frame_threshold,
            color="black",
            linestyle="--",
            linewidth=1,
            label=frame_threshold_text(reference),
        )
    for i, moment in enumerate(shown_moments(result)):
        axes.annotate(
            str(i + 1),
            (moment.seconds, moment.score),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            fontweight="bold",
        )
    realigned = ",\nrealigned" if result.is_realigned else ""
    axes.set_ylabel(f"mismatch score{realigned}", fontsize=8)
    axes.legend(
        fontsize=7,
        frameon=False,
        ncols=3,
        columnspacing=1.2,
        handlelength=1.5,
        loc="upper left",
        bbox_to_anchor=(0, 1.15),
    )


def _draw_offsets(axes: Axes, result: VideoResult, timeline: Timeline) -> None:
    """Bars that show how likely each offset is for the whole file."""
    share = np.exp(timeline.support - timeline.support.max())
    reach = len(share) // 2
    offsets = result.reference_offset_frames + np.arange(-reach, reach + 1)
    middles, heights = offsets / FRAMES_PER_SECOND, share / share.sum()
    edges = np.stack([middles - BAR_SECONDS / 2, middles + BAR_SECONDS / 2], axis=1).ravel()
    is_best = offsets == result.offset_frames
    for is_shown, colour in ((~is_best, OTHER), (is_best, SCORE)):
        # One outline that falls to 0 between bars: matplotlib draws each rectangle by itself.
        outline = np.stack([heights * is_shown, np.zeros(len(heights))], axis=1).ravel()[:-1]
        axes.stairs(outline, edges, fill=True, color=colour)
    axes.axvline(0, color="black", linewidth=0.8, linestyle=":")
    axes.set(yticks=[], xticks=[-0.5, 0, 0.5])
    axes.set_xlabel("sound early | late (s); height: fit", fontsize=8)
    axes.set_title(f"A/V offset: {verdict.offset_cell(result)}", fontsize=8)


def peaks(waveform: Int16[np.ndarray, " s"]) -> tuple[Float[np.ndarray, " n"], float]:
    """Up to MAX_POINTS peaks of the sound, in shares of full scale, and the seconds from each to
    the next."""
    step = -(-len(waveform) // MAX_POINTS)
    heights = [
        np.abs(waveform[first : first + step].astype(float)).max() / INT16_SCALE
        for first in range(0, len(waveform), step)
    ]
    return np.array(heights), step / SAMPLE_RATE


def thinned(
    values: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Times from the first value in seconds, and values thinned by maxima to at most MAX_POINTS."""
    step = max(1, -(-len(values) // MAX_POINTS))
    padded = np.pad(values, (0, -len(values) % step), constant_values=-np.inf)
    blocks = np.where(np.isnan(padded), -np.inf, padded).reshape(-1, step)
    highest = blocks.max(axis=1)
    highest[np.isinf(highest)] = np.nan
    return np.arange(len(highest)) * step / FRAMES_PER_SECOND, highest
