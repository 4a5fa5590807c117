"""The panel that shows where the sound fits over time: what each offset is worth, and the best."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from avsync.reports.drawing import PALETTE
from avsync.scoring.video import placing
from avsync.scoring.video import verdict as wording
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.result import Evidence, Finding
from avsync.units import FRAMES_PER_SECOND

# Offsets are told apart by about a second of speech, hardly by less.
WINDOW_FRAMES = FRAMES_PER_SECOND

# More columns than this over the width of the picture show nothing more.
MAX_COLUMNS = 600

CHOSEN = PALETTE[1]


def draw(axes: Axes, finding: Finding, evidence: Evidence, reference: Reference) -> None:
    """In sliding windows of a second, dark where the sound fits; and the spans if believed."""
    for start, _, logs in evidence.stretches:
        means = _windowed(logs)
        reach = means.shape[1] // 2
        step = -(-len(means) // MAX_COLUMNS)
        ends = (start, start + len(means) / FRAMES_PER_SECOND)
        edge = (reach + 0.5) / FRAMES_PER_SECOND
        axes.imshow(
            means[::step].T,
            cmap="Greys",
            # From chance to certainty, so that no fit stays white.
            vmin=-np.log(means.shape[1]),
            vmax=0,
            extent=(*ends, -edge, edge),
            aspect="auto",
            origin="lower",
            interpolation="nearest",
        )
    if placing.is_believed(finding, reference):
        for span in finding.offsets:
            height = span.offset_frames / FRAMES_PER_SECOND
            axes.plot((span.start, span.end), (height, height), color=CHOSEN, linewidth=1.4)
    axes.axhline(0, color="black", linewidth=0.8, linestyle=":")
    axes.set_ylabel("sound later\nthan lips (s)", fontsize=8)
    axes.set_xlabel("time; dark: where the sound fits, in windows of 1 s", fontsize=8)
    axes.set_yticks([-0.5, 0, 0.5])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: wording.clock(seconds)))


def _windowed(logs: Float[np.ndarray, "t k"]) -> Float[np.ndarray, "t k"]:
    """The mean over the window around each frame, of the frames that say anything.

    Chance where there is none, as at both ends of a clip.
    """
    tells = logs.any(axis=1)
    total = np.pad(np.cumsum(logs, axis=0, dtype=float), ((1, 0), (0, 0)))
    count = np.concatenate([[0], np.cumsum(tells)])
    frames = np.arange(len(logs))
    first = np.maximum(frames - WINDOW_FRAMES // 2, 0)
    end = np.minimum(frames + WINDOW_FRAMES // 2 + 1, len(logs))
    number = (count[end] - count[first])[:, None]
    chance = -np.log(logs.shape[1])
    return np.where(number, (total[end] - total[first]) / np.maximum(number, 1), chance)
