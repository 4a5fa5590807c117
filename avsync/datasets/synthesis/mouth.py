"""Articulation to picture: a mouth drawn frame by frame, in grey, as a camera would see it.

The mouth is drawn upright on the canvas of skin.py; camera.py then moves the head and takes the
picture. Contours are functions of x alone, and every edge is a ramp one pixel wide.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME, Articulation
from avsync.datasets.synthesis.skin import MIDDLE, draw_skin
from avsync.datasets.synthesis.talker import Face
from avsync.datasets.synthesis.wander import wander

# The mouth moves within this part of the canvas.
ROWS, COLUMNS = slice(MIDDLE - 22, MIDDLE + 38), slice(MIDDLE - 36, MIDDLE + 36)

PerFrame = Float[np.ndarray, " t"]


class Pose(NamedTuple):
    """What the lips do in each frame, in parts of what they can do."""

    aperture: PerFrame
    jaw: PerFrame
    spread: PerFrame
    closure: PerFrame
    front: PerFrame
    tip: PerFrame
    smile: PerFrame


class Lips(NamedTuple):
    """Heights in pixels below the mouth's middle [t w], from the top down, and the half-widths."""

    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray
    outer_half_width: np.ndarray


def draw(
    articulation: Articulation, face: Face, rng: np.random.Generator
) -> Float[np.ndarray, "t h w"]:
    """The face in each frame, in grey levels, `CANVAS_PIXELS` of skin.py high and wide."""
    pose = _pose(articulation, face, rng)
    canvas = draw_skin(pose.jaw, face)
    x = np.arange(COLUMNS.start - MIDDLE, COLUMNS.stop - MIDDLE, dtype=np.float32)
    y = np.arange(ROWS.start - MIDDLE, ROWS.stop - MIDDLE, dtype=np.float32)[:, None]
    lips = _contours(pose, face, x)
    part = canvas[:, ROWS, COLUMNS]
    _blend(part, _lip_tone(lips, face, y), _between(y, lips.upper_outer, lips.lower_outer))
    opened = _between(y, lips.upper_inner, lips.lower_inner)
    _blend(part, _inside(pose, lips, face, y), opened)
    return canvas


def _pose(articulation: Articulation, face: Face, rng: np.random.Generator) -> Pose:
    """The articulation at 25 fps, with all that lips do beside speaking."""

    def seen(trajectory: np.ndarray) -> np.ndarray:
        # Mean over the frame: a shutter that is open for all of it.
        return trajectory.reshape(-1, STEPS_PER_FRAME).mean(axis=1)

    num_frames = len(articulation.jaw) // STEPS_PER_FRAME
    idle = 0.08 * face.restlessness * wander(rng, num_frames, seconds=0.25)
    smile = face.restlessness * wander(rng, num_frames, seconds=1.2)
    jaw = np.clip(seen(articulation.jaw) * face.mobility + 0.6 * idle, 0, 1.2)
    aperture = seen(articulation.aperture) * face.mobility
    # Lips that no sound presses together rest a little apart in pauses, and are never quite still.
    free = np.clip(10 * (1 - seen(articulation.closure)), 0, 1)
    silent = np.clip(1 - seen(articulation.voicing) - seen(articulation.noise), 0, 1)
    aperture = np.clip(aperture + free * (silent * face.rest_opening + idle), 0, 1.2)
    spread = seen(articulation.spread) * face.mobility
    rest = (seen(articulation.closure), seen(articulation.front), seen(articulation.tip), smile)
    return Pose(*(move.astype(np.float32) for move in (aperture, jaw, spread, *rest)))


def _contours(pose: Pose, face: Face, x: np.ndarray) -> Lips:
    """The lips of each frame, as functions of x."""
    spread, smile = pose.spread, pose.smile
    rounding = np.clip(-spread, 0, 1)
    half_width = face.half_width * (
        1 + 0.12 * np.clip(spread, 0, 1) - 0.28 * rounding + 0.05 * smile - 0.05 * pose.jaw
    )
    outer = np.clip(1 - (x / half_width[:, None]) ** 2, 0, 1)
    inner = np.clip(1 - (x / (half_width * (0.86 - 0.12 * rounding))[:, None]) ** 2, 0, 1)
    height = (face.opening * pose.aperture)[:, None]
    middle = (face.curve - 1.2 * smile)[:, None] * ((x / face.half_width) ** 2 - 0.4)
    # Pressed lips are thin, rounded lips are pushed out.
    thickness = (1 - 0.25 * np.clip(pose.closure - 0.7, 0, 0.3) / 0.3 + 0.25 * rounding)[:, None]
    dip = 1 - face.cupid * np.exp(-((x / 4) ** 2))
    upper_inner = middle - 0.25 * height * inner
    lower_inner = middle + 0.75 * height * inner
    upper = face.upper_lip * thickness * (1 - 0.15 * height / face.opening) * outer**0.8 * dip
    lower = face.lower_lip * thickness * (1 - 0.2 * height / face.opening) * outer**0.7
    return Lips(
        upper_outer=upper_inner - upper,
        upper_inner=upper_inner,
        lower_inner=lower_inner,
        lower_outer=lower_inner + lower,
        outer_half_width=half_width,
    )


def _lip_tone(lips: Lips, face: Face, y: np.ndarray) -> np.ndarray:
    """Grey levels [t h w] of the lips: the upper in shade, the lower with a wet highlight."""
    depth = (y - lips.lower_inner[:, None]) / (face.lower_lip + 1)
    shine = np.clip(1 - 4 * (depth - 0.45) ** 2, 0, 1)
    shade = np.where(depth < 0, 0.88, 0.95 + 0.16 * shine)
    # Closed lips meet in a dark line.
    shade -= 0.3 * np.clip(1.2 - np.abs(y - lips.upper_inner[:, None]), 0, 1)
    return (face.skin * (1 - face.lip_contrast)) * shade


def _inside(pose: Pose, lips: Lips, face: Face, y: np.ndarray) -> np.ndarray:
    """Grey levels [t h w] of what an open mouth shows: darkness, the upper teeth, the tongue."""
    tone = np.full((len(pose.jaw), len(y), lips.upper_inner.shape[1]), 0.16 * face.skin, np.float32)
    tongue_height = (2 + 4 * pose.front + 5 * pose.tip)[:, None]
    tongue = np.clip((y - (lips.lower_inner - tongue_height)[:, None]) / 3, 0, 1)
    _blend(tone, 0.5 * face.skin, tongue)
    # Spread lips lift off the teeth, rounded ones cover them.
    shown = face.teeth * np.clip(0.5 + 0.6 * pose.spread + 0.3 * pose.smile, 0, 1.3)
    width = 0.72 * lips.outer_half_width[:, None]
    arch = np.clip(1.2 - (np.arange(COLUMNS.start, COLUMNS.stop) - MIDDLE) ** 2 / width**2, 0, 1)
    bottom = lips.upper_inner + shown[:, None] * arch
    _blend(tone, face.teeth_tone, _between(y, lips.upper_inner - 3, bottom))
    return tone


def _between(y: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """How much of each pixel [t h w] lies between two contours [t w]."""
    # A pixel is at most as full as the strip is high: contours that meet leave nothing between.
    height = np.clip(bottom - top, 0, 1)[:, None]
    return height * (
        np.clip(y - top[:, None] + 0.5, 0, 1) * np.clip(bottom[:, None] - y + 0.5, 0, 1)
    )


def _blend(picture: np.ndarray, tone: np.ndarray | float, coverage: np.ndarray) -> None:
    """Paints `tone` over `picture`, in place, where `coverage` says."""
    picture += coverage * (tone - picture)
