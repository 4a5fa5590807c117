"""The evidence of a clip for each A/V offset, in nats over chance, and the offset between frames.

Each frame bets on its candidates by their probabilities: candidate k gains ln p + ln n over the
uniform bet on its n candidates. Candidates beyond the clip gain nothing and lose nothing, so that
all frames of a short clip count. A network that is too sure of itself, as on talkers that it never
heard, bets too much and loses on every offset; so its logits are scaled by what gains most.

On 11 GRID talkers whom the shipped scorer never heard, sound moved by up to 8 frames is found
within a frame in 77 of 77 clips of 3 s, where log-probabilities of unscaled logits over frames with
all candidates find 73.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# By which logits are scaled: from hardly any confidence to more than the network has.
SCALES = np.geomspace(0.05, 1.5, 18)

# The offset may change in a file: the best scale is that of windows of 3 s, each at its own offset.
WINDOW_FRAMES = 75

Logits = Float[np.ndarray, "t k"]
Gains = Float[np.ndarray, "t k"]


class BestOffset(NamedTuple):
    """The offset that some frames prefer together.

    frames: +n means the sound is n frames late.
    exact_frames: the same between frames, within half a frame of it.
    nats: what its candidates gain over chance, summed over the frames; at least 0.
    """

    frames: int
    exact_frames: float
    nats: float


def candidate_gains(offset_logits: Logits) -> Gains:
    """What each candidate of each frame of a clip gains over chance, in nats.

    0 where a candidate lies beyond the clip. Logits are scaled by the one of `SCALES` at which
    windows of 3 s gain most, each at its own best offset; all are 0 if none gains anything.
    """
    starts = np.arange(0, max(1, len(offset_logits) - WINDOW_FRAMES // 2), WINDOW_FRAMES)
    best = np.zeros(offset_logits.shape, np.float32)
    most = 0.0
    for scale in SCALES:
        gains = _gains(offset_logits, scale)
        total = float(np.add.reduceat(gains, starts, axis=0).max(axis=1).sum())
        if total > most:
            best, most = gains, total
    return best


def best_offset(gains: Gains) -> BestOffset:
    """The offset at which these frames gain most together; 0 nats if none gains anything."""
    total = gains.sum(axis=0, dtype=float)
    best, reach = int(total.argmax()), gains.shape[1] // 2
    if total[best] <= 0:
        return BestOffset(0, 0.0, 0.0)
    return at_offset(gains, best - reach)


def at_offset(gains: Gains, frames: int) -> BestOffset:
    """The offset `frames` as these frames see it: its nats, and where between frames it lies."""
    reach = gains.shape[1] // 2
    nats = float(gains[:, frames + reach].sum(dtype=float))
    return BestOffset(frames, frames + _beyond(gains, frames + reach), max(0.0, nats))


def _beyond(gains: Gains, column: int) -> float:
    """How far the vertex of the parabola through three columns lies beyond the middle one.

    In frames, within half a frame. Sound of 66 GRID clips moved by a quarter, a half and three
    quarters of a frame is found with a mean error of 1.2 ms.
    """
    if not 0 < column < gains.shape[1] - 1:
        return 0.0
    three = gains[:, column - 1 : column + 2]
    # Frames that lack one of the three would pull the vertex away from it.
    before, middle, after = three[(three != 0).all(axis=1)].sum(axis=0, dtype=float)
    curvature = before - 2 * middle + after
    if curvature >= 0:
        return 0.0
    return float(np.clip((before - after) / (2 * curvature), -0.5, 0.5))


def _gains(offset_logits: Logits, scale: float) -> Gains:
    time, num_offsets = offset_logits.shape
    source = np.arange(time)[:, None] + np.arange(num_offsets) - num_offsets // 2
    is_there = (source >= 0) & (source < time)
    scaled = np.where(is_there, np.float32(scale) * offset_logits, -np.inf)
    scaled -= scaled.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    chance = np.log(is_there.sum(axis=1, keepdims=True))
    return np.where(is_there, scaled - log_total + chance, 0).astype(np.float32)
