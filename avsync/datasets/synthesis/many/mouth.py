"""From gestures to the shape of the mouth in each video frame."""

import numpy as np
from jaxtyping import Float32

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME, STEPS_PER_SECOND, slow_drift
from avsync.datasets.synthesis.many.gestures import Gestures
from avsync.datasets.synthesis.many.person import Camera, Face, Habits

# Columns of the table of shapes; lengths in pixels of the crop from the middle of the closed mouth.
(
    HALF_WIDTH,  # of the outer contour
    INNER_WIDTH,  # half the width of the opening
    TOP,  # of the opening, in its middle
    BOTTOM,
    UPPER,  # thickness of the lips in the middle
    LOWER,
    CORNERS,  # of the mouth, below the middle
    JAW,  # how far the chin has dropped
    TEETH,  # how far the lower teeth have dropped
    TONGUE,  # height of the tongue above the lower teeth
    STRETCH,  # of the cheeks to the sides
    TUCK,  # the lower lip is under the upper teeth
) = range(12)

# Frames of a clip that lie outside of what is said, for the lag of the picture: 80 ms.
MARGIN_STEPS = 16


def shape_mouth(
    gestures: Gestures, habits: Habits, face: Face, camera: Camera, rng: np.random.Generator
) -> Float32[np.ndarray, "t 12"]:
    """The mouth as the camera sees it, averaged while the shutter is open.

    The gestures have `MARGIN_STEPS` more than the video at either end.
    """
    num_frames = (len(gestures.jaw) - 2 * MARGIN_STEPS) // STEPS_PER_FRAME
    seen = _Shutter(num_frames, camera.exposure, habits.lag_seconds)
    idle = 0.05 * habits.unrest * slow_drift(rng, num_frames, seconds=0.3)
    smile = habits.unrest * slow_drift(rng, num_frames, seconds=1.2)
    closure, spread = seen(gestures.closure), habits.lips * seen(gestures.spread)
    spread = spread + 0.1 * smile
    rounding = np.clip(-spread, 0, 1)
    jaw = np.clip(habits.jaw * seen(gestures.jaw) + idle, 0, 1.3)
    # Lips that are not pressed together are never quite still.
    free = np.clip(4 * (1 - closure), 0, 1)
    size = 0.5 * (habits.jaw + habits.lips)
    opening = face.opening * np.clip(size * seen(gestures.aperture) + 0.5 * free * idle, 0, 1.3)
    tuck = seen(gestures.tuck)
    pressed = np.clip(closure - 0.7, 0, 0.3) / 0.3 * (1 - tuck)
    thickness = (1 - 0.25 * pressed) * (1 + 0.25 * rounding) * (1 - 0.12 * opening / face.opening)
    chin = face.chin_drop * jaw
    half_width = face.half_width * (
        1 + 0.12 * np.clip(spread, 0, 1) - 0.25 * rounding - 0.04 * jaw + 0.03 * smile
    )
    # The upper lip does a quarter of the opening, and so it comes down to meet a dropped jaw.
    hang = 0.15 * chin * closure
    shapes = (
        half_width,
        half_width * (0.88 - 0.12 * rounding),
        hang - 0.25 * opening,
        hang + 0.75 * opening,
        face.upper_lip * thickness * (1 - 0.1 * tuck),
        face.lower_lip * thickness * (1 - 0.35 * tuck),
        face.corners - 0.8 * smile + 0.3 * chin,
        chin,
        0.8 * chin,
        1 + 3 * seen(gestures.front) + 5 * seen(gestures.tip),
        spread,
        tuck,
    )
    return np.stack(np.broadcast_arrays(*shapes), axis=1).astype(np.float32)


class _Shutter:
    """Averages of trajectories while the shutter is open, around the middle of each frame."""

    def __init__(self, num_frames: int, exposure: float, lag_seconds: float):
        width = max(round(exposure * STEPS_PER_FRAME), 1)
        middles = (np.arange(num_frames) + 0.5) * STEPS_PER_FRAME - lag_seconds * STEPS_PER_SECOND
        offsets = np.arange(width) - (width - 1) / 2 - 0.5  # step i lies from i to i + 1
        steps = middles[:, None] + offsets + MARGIN_STEPS
        self._before = np.floor(steps).astype(int)
        self._after_share = steps - self._before

    def __call__(self, trajectory: np.ndarray) -> np.ndarray:
        before = trajectory[self._before]
        after = trajectory[self._before + 1]
        return (before + self._after_share * (after - before)).mean(axis=1)
