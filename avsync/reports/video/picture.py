"""One picture of a file: its sound, how well its lips fit over time, and its worst moments."""

import textwrap
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avsync.reports.drawing import DOTS_PER_INCH, PALETTE
from avsync.reports.video import drift
from avsync.scoring.video import verdict as wording
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.result import Evidence, Inspection
from avsync.scoring.video.segments import smoothed
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE, SAMPLE_RATE

WIDTH_INCHES, HEIGHT_INCHES = 1200 / DOTS_PER_INCH, 1500 / DOTS_PER_INCH

TITLE_CHARACTERS, NOTE_CHARACTERS = 84, 112

# More points than this over the width of the picture make a line no finer.
MAX_POINTS = 1200

SOUND, SCORE, BAD = "#666666", PALETTE[0], PALETTE[1]


def draw(inspection: Inspection, reference: Reference) -> Figure:
    """The picture of a file that has a score."""
    evidence = inspection.evidence
    assert evidence is not None, f"{inspection.path} has no score to draw"
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    figure.suptitle(_title(inspection, reference), fontsize=8.5, x=0.01, ha="left")
    note = textwrap.fill(wording.comparison(reference), NOTE_CHARACTERS)
    figure.supxlabel(note, fontsize=6.5, x=0.01, ha="left", color=SOUND)
    rows = figure.add_gridspec(4, 1, height_ratios=[1, 2.3, 1.6, 1.9])
    sound = figure.add_subplot(rows[0])
    score = figure.add_subplot(rows[1], sharex=sound)
    offset = figure.add_subplot(rows[2], sharex=sound)
    bottom = rows[3].subgridspec(1, 6)
    _draw_sound(sound, evidence)
    _draw_scores(score, evidence, reference)
    score.tick_params(labelbottom=False)
    drift.draw(offset, inspection.finding, evidence, reference)
    for axes in (sound, score):
        for segment in inspection.segments:
            axes.axvspan(segment.start, segment.end, color=BAD, alpha=0.18, linewidth=0)
    for i, moment in enumerate(evidence.moments):
        axes = figure.add_subplot(bottom[i])
        axes.imshow(moment.crop, cmap="gray", vmin=0, vmax=255)
        axes.set_title(f"{i + 1}: {wording.clock(moment.seconds)}", fontsize=8)
        axes.set_xlabel(f"misfit {moment.score:.1f}", fontsize=8)
        axes.set(xticks=[], yticks=[])
    _draw_offsets(figure.add_subplot(bottom[4:]), inspection, evidence, reference)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7.5)
    return figure


def _title(inspection: Inspection, reference: Reference) -> str:
    finding, evidence = inspection.finding, inspection.evidence
    assert evidence is not None
    score = f"misfit score {finding.score:.2f}"
    if evidence.is_moved:
        score += f"; {finding.score_resynced:.2f} with the sound moved back"
    sentences = [
        Path(inspection.path).name,
        finding.message,
        score,
        wording.p_value(finding, reference),
    ]
    return "\n".join(textwrap.fill(text, TITLE_CHARACTERS) for text in sentences if text)


def _draw_sound(axes: Axes, evidence: Evidence) -> None:
    samples = evidence.waveform
    step = -(-len(samples) // MAX_POINTS)
    loudest = [
        np.abs(samples[first : first + step].astype(float)).max() / INT16_SCALE
        for first in range(0, len(samples), step)
    ]
    seconds = evidence.start_seconds + np.arange(len(loudest)) * step / SAMPLE_RATE
    axes.fill_between(seconds, np.negative(loudest), loudest, color=SOUND, linewidth=0)
    axes.set_ylabel("sound", fontsize=8)
    axes.set_yticks([])
    axes.tick_params(labelbottom=False)
    axes.set_xlim(seconds[0], evidence.start_seconds + len(samples) / SAMPLE_RATE)


def _draw_scores(axes: Axes, evidence: Evidence, reference: Reference) -> None:
    is_short = sum(len(stretch.frame_scores) for stretch in evidence.stretches) <= MAX_POINTS
    for i, stretch in enumerate(evidence.stretches):
        if is_short:
            axes.plot(
                stretch.start + np.arange(len(stretch.frame_scores)) / FRAMES_PER_SECOND,
                stretch.frame_scores,
                color=SCORE,
                alpha=0.35,
                linewidth=0.8,
                label="" if i else "each frame",
            )
        seconds, means = _thinned(smoothed(stretch.frame_scores))
        label = "" if i else "mean of 0.8 s"
        axes.plot(stretch.start + seconds, means, color=SCORE, linewidth=1.8, label=label)
    if reference.threshold is not None:
        axes.axhline(
            reference.threshold,
            color="black",
            linestyle="--",
            linewidth=1,
            label=f"threshold: {reference.false_alarm_rate:.0%} of {reference.reals} score above",
        )
    for i, moment in enumerate(evidence.moments):
        axes.annotate(
            str(i + 1),
            (moment.seconds, moment.score),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            fontweight="bold",
        )
    moved = ",\nsound moved" if evidence.is_moved else ""
    axes.set_ylabel(f"misfit of lips and sound{moved}", fontsize=8)
    axes.legend(fontsize=7, frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, 1.15))


def _draw_offsets(
    axes: Axes, inspection: Inspection, evidence: Evidence, reference: Reference
) -> None:
    """How the offsets share what support there is."""
    share = np.exp(evidence.support - evidence.support.max())
    reach = len(share) // 2
    offsets = np.arange(-reach, reach + 1)
    chosen = offsets == inspection.finding.offset_frames
    colours = np.where(chosen, SCORE, "#bbbbbb")
    axes.bar(offsets / FRAMES_PER_SECOND, share / share.sum(), 0.034, color=colours.tolist())
    axes.axvline(0, color="black", linewidth=0.8, linestyle=":")
    axes.set(yticks=[], xticks=[-0.5, 0, 0.5])
    axes.set_xlabel("sound later than lips (s)", fontsize=8)
    best = wording.offset_cell(inspection.finding, reference)
    axes.set_title(f"fit at each offset: {best}", fontsize=8)


def _thinned(
    values: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Seconds from the first value, and the largest of neighbours if they are too many to draw."""
    step = max(1, -(-len(values) // MAX_POINTS))
    padded = np.pad(values, (0, -len(values) % step), constant_values=-np.inf)
    blocks = np.where(np.isnan(padded), -np.inf, padded).reshape(-1, step)
    highest = blocks.max(axis=1)
    highest[np.isinf(highest)] = np.nan
    return np.arange(len(highest)) * step / FRAMES_PER_SECOND, highest
