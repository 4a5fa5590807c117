"""The panels of a case page over time: sound, faces, frame scores, offset map, as SVG in HTML.

All panels share one axis of time, 0 to `end` seconds. Shapes are stretched to the width of the
page, so that texts are HTML beside them.
"""

import base64
import io
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import image

from avsync.reports.html import escape, paragraph
from avsync.reports.video import offset_panel
from avsync.reports.video.picture import (
    MAX_POINTS,
    frame_threshold_text,
    peaks,
    shown_moments,
    thinned,
)
from avsync.reports.video.time_axis import time_ticks
from avsync.scoring import smoothed
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import Timeline, VideoResult
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE

# The coordinates of a panel: SVG stretches them to its size in pixels.
WIDTH, HEIGHT = 1000, 100

# More lanes hide the panels; a table has the others.
MAX_LANES = 6


class Marked(NamedTuple):
    """A text beside a panel or below it, `share` of the way from its top or left end."""

    share: float
    text: str


def render(result: VideoResult, timeline: Timeline, reference: Reference) -> str:
    """All panels, with a cursor over them that a script moves."""
    end = end_seconds(result, timeline)
    suspicious = "".join(
        _rectangle(segment.start / end, segment.end / end, "suspicious")
        for segment in result.segments
    )
    panels = [
        _panel("sound", "low", _sound(timeline, end) + suspicious),
        *[
            _panel(f"face {index + 1}", "lane", _lane(result, index, end))
            for index in range(min(len(result.faces), MAX_LANES))
        ],
        _scores(result, timeline, reference, end, suspicious),
        _offsets(result, timeline, end),
        _axis(end),
    ]
    body = "\n".join([*panels, '<div id="cursor"></div>'])
    return (
        f'<div class="over-time"><div class="panels-over-time" id="panels">\n{body}\n</div>'
        f"{paragraph(_legend(reference))}</div>"
    )


def _legend(reference: Reference) -> str:
    text = "Tinted: segments that do not fit. Face: in view; darker where its lips fit the speech. "
    text += "Score: thin, each frame; thick, moving mean"
    if reference.frame_threshold is not None:
        text += f"; dashed, {frame_threshold_text(reference)}"
    return f"{text}. Offset: dark where the sound fits in windows of 1 s; the line is the offset."


def end_seconds(result: VideoResult, timeline: Timeline) -> float:
    """The end of the axis, in seconds of the file."""
    sound = timeline.start_seconds + len(timeline.waveform) / SAMPLE_RATE
    return max([sound, *[face.end for face in result.faces]])


def grey_png(pixels: UInt8[np.ndarray, "h w"]) -> str:
    """A grey picture as a data URI."""
    buffer = io.BytesIO()
    image.imsave(buffer, pixels, cmap="gray", vmin=0, vmax=255, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def offset_bars(result: VideoResult, timeline: Timeline) -> str:
    """Bars that show how likely each offset is for the whole file."""
    share = np.exp(timeline.support - timeline.support.max())
    reach = len(share) // 2
    width = WIDTH / len(share)
    bars = "".join(
        f'<rect x="{i * width + 0.1 * width:.1f}" y="{HEIGHT * (1 - height):.1f}" '
        f'width="{0.8 * width:.1f}" height="{max(HEIGHT * height, 0.5):.1f}" '
        f'class="{"best" if i - reach == result.relative_offset_frames else "bar"}"/>'
        for i, height in enumerate(share.tolist())
    )
    usual = result.reference_offset_frames
    ends = [verdict.seconds((usual + frames) / FRAMES_PER_SECOND) for frames in (-reach, 0, reach)]
    labels = [Marked(share, text) for share, text in zip((0.0, 0.5, 1.0), ends, strict=True)]
    return (
        f'<div class="bars">{_svg(bars)}{_below(labels)}</div>'
        '<p class="note">How well each offset fits the whole file; right: the sound is late.</p>'
    )


def _sound(timeline: Timeline, end: float) -> str:
    heights, step_seconds = peaks(timeline.waveform)
    x = _across(timeline.start_seconds + np.arange(len(heights)) * step_seconds, end)
    loudest = max(float(heights.max(initial=0)), 1e-3)
    y = HEIGHT / 2 * (1 - heights / loudest)
    outline = [*zip(x, y, strict=True), *zip(x[::-1], HEIGHT - y[::-1], strict=True)]
    return f'<path class="sound" d="{_line(outline)}Z"/>'


def _lane(result: VideoResult, index: int, end: float) -> str:
    """When a face is in view, and the seconds in which its lips fit the speech."""
    face = result.faces[index]
    seen = _rectangle(face.start / end, face.end / end, "seen")
    second, talks = 0, ""
    for talker, run in itertools.groupby(result.who_talks):
        first, second = second, second + len(list(run))
        if talker == index:
            talks += _rectangle(first / end, min(second, end) / end, "talks")
    return seen + talks


def _scores(
    result: VideoResult, timeline: Timeline, reference: Reference, end: float, suspicious: str
) -> str:
    threshold = reference.frame_threshold
    lines, values = [], [np.array([0.0 if threshold is None else threshold])]
    is_short = sum(len(track.frame_scores) for track in timeline.tracks) <= MAX_POINTS
    for track in timeline.tracks:
        times, means = thinned(smoothed(track.frame_scores))
        lines.append(("mean", track.start + times, means))
        values.append(means)
        if is_short:
            lines.insert(0, ("each", track.times, track.frame_scores))
            values.append(track.frame_scores)
    known = np.concatenate(values)
    low, high = float(np.nanmin(known)), float(np.nanmax(known))
    margin = 0.08 * (high - low) or 1.0
    low, high = low - margin, high + 2 * margin  # the numbers of moments are above them
    paths = "".join(
        f'<path class="{kind}" d="{path}"/>'
        for kind, times, scores in lines
        for path in _runs(_across(times, end), HEIGHT * (high - scores) / (high - low))
    )
    name = "mismatch score" + (", realigned" if result.is_realigned else "")
    if threshold is not None:
        y = HEIGHT * (high - threshold) / (high - low)
        paths += f'<path class="threshold" d="M0,{y:.1f}H{WIDTH}"/>'
    numbers = "".join(
        f'<span class="moment" style="left:{100 * moment.seconds / end:.2f}%;'
        f'top:{100 * (high - moment.score) / (high - low):.1f}%">{number}</span>'
        for number, moment in enumerate(shown_moments(result), start=1)
    )
    step = _nice((high - low) / 4)
    ticks = [step * number for number in range(int(np.ceil(low / step)), int(high / step) + 1)]
    marks = [Marked((high - tick) / (high - low), f"{tick:g}") for tick in ticks]
    return _panel(name, "high", suspicious + paths, more=numbers, marks=marks)


def _offsets(result: VideoResult, timeline: Timeline, end: float) -> str:
    tracks = timeline.tracks
    low, high = offset_panel.offset_limits(result, tracks[0])
    maps = "".join(
        f'<img alt="" src="{_map_png(offset_panel.fit(track))}" '
        f'style="left:{100 * track.start / end:.3f}%;'
        f'width:{100 * (offset_panel.track_end(track) - track.start) / end:.3f}%">'
        for track in tracks
    )

    def height(seconds: float) -> float:
        return (high - seconds) / (high - low)

    lines = f'<path class="zero" d="M0,{HEIGHT * height(0.0):.1f}H{WIDTH}"/>'
    for part in result.offsets if result.offset_is_certain else ():
        y = HEIGHT * height(part.offset_seconds)
        start, stop = WIDTH * part.start / end, WIDTH * part.end / end
        lines += f'<path class="offset" d="M{start:.1f},{y:.1f}H{stop:.1f}"/>'
    words = ((0.5, "0.5 s late"), (0.0, "0 s"), (-0.5, "0.5 s early"))
    marks = [Marked(height(seconds), text) for seconds, text in words if low < seconds < high]
    return _panel("A/V offset", "high", lines, more=maps, marks=marks)


def _axis(end: float) -> str:
    marks = [Marked(time / end, verdict.clock(time)) for time in time_ticks(0.0, end)]
    return f'<div class="row"><div></div>{_below(marks)}</div>'


def _panel(
    name: str, size: str, shapes: str, *, more: str = "", marks: Sequence[Marked] = ()
) -> str:
    ticks = "".join(
        f'<span class="tick" style="top:{100 * mark.share:.1f}%">{escape(mark.text)}</span>'
        for mark in marks
    )
    return (
        f'<div class="row {size}"><div class="ticks">{ticks}</div><div class="plot">'
        f'{more}{_svg(shapes)}<span class="name">{escape(name)}</span></div></div>'
    )


def _svg(shapes: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f"{shapes}</svg>"
    )


def _below(marks: Iterable[Marked]) -> str:
    texts = "".join(
        f'<span class="{"first" if mark.share < 0.04 else "last" if mark.share > 0.96 else ""}" '
        f'style="left:{100 * mark.share:.2f}%">{escape(mark.text)}</span>'
        for mark in marks
    )
    return f'<div class="below">{texts}</div>'


def _rectangle(first: float, last: float, kind: str) -> str:
    x, width = WIDTH * first, WIDTH * (last - first)
    return f'<rect class="{kind}" x="{x:.1f}" y="0" width="{width:.1f}" height="{HEIGHT}"/>'


def _across(times: Float[np.ndarray, " n"], end: float) -> Float[np.ndarray, " n"]:
    return WIDTH * times / end


def _runs(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> list[str]:
    """A line for each run of values that are known."""
    breaks = np.flatnonzero(np.diff(np.isfinite(y))) + 1
    runs = zip(np.split(x, breaks), np.split(y, breaks), strict=True)
    return [
        _line(zip(xs, ys, strict=True)) for xs, ys in runs if len(ys) and bool(np.isfinite(ys[0]))
    ]


def _line(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _map_png(fit: Float[np.ndarray, "n k"]) -> str:
    return grey_png((255 * (1 - fit.T[::-1])).astype(np.uint8))


def _nice(step: float) -> float:
    """The next larger step of 1, 2 or 5 times a power of 10."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step))
