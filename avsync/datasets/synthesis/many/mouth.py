"""From gestures to the shape of the mouth in each video frame."""

import functools

import numpy as np
from jaxtyping import Float, Float32

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME, Trajectory, slow_drift
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
    TONGUE,  # height of the tongue above the edge of the lower teeth
    STRETCH,  # of the cheeks to the sides
    TUCK,  # the lower lip is under the upper teeth
) = range(11)


def shape_mouth(
    gestures: Gestures, habits: Habits, face: Face, camera: Camera, rng: np.random.Generator
) -> Float32[np.ndarray, "t 11"]:
    """The mouth as the camera sees it, averaged while the shutter is open."""
    num_frames = len(gestures.jaw) // STEPS_PER_FRAME
    seen = functools.partial(_seen, exposure=camera.exposure)
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
        1 + 3 * seen(gestures.front) + 5 * seen(gestures.tip),
        spread,
        tuck,
    )
    return np.stack(np.broadcast_arrays(*shapes), axis=1).astype(np.float32)


def _seen(trajectory: Trajectory, exposure: float) -> Float[np.ndarray, " t"]:
    """Averages while the shutter is open: an even number of steps in the middle of each frame."""
    num_closed = STEPS_PER_FRAME // 2 - max(round(exposure * STEPS_PER_FRAME / 2), 1)
    steps = trajectory.reshape(-1, STEPS_PER_FRAME)
    return steps[:, num_closed : STEPS_PER_FRAME - num_closed].mean(axis=1)
