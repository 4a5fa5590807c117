"""From articulation to video: a face drawn in grey levels, frame by frame.

The mouth is drawn upright over the skin on a square canvas; camera.py then moves the head and takes
the crops. Contours are functions of x alone, and every edge is a ramp one pixel wide.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from avsync.datasets.synthesis.articulation import STEPS_PER_FRAME, Articulation, slow_drift
from avsync.datasets.synthesis.talker import Face

CANVAS_PIXELS = 116  # the crop with a margin of 10 pixels on each side for head motion
MIDDLE = CANVAS_PIXELS // 2

# The mouth moves within this part of the canvas.
ROWS, COLUMNS = slice(MIDDLE - 22, MIDDLE + 38), slice(MIDDLE - 36, MIDDLE + 36)

PerFrame = Float[np.ndarray, " t"]


class Pose(NamedTuple):
    """Position of lips, jaw and tongue in each frame, as fractions of their range."""

    aperture: PerFrame
    jaw: PerFrame
    spread: PerFrame
    closure: PerFrame
    front: PerFrame
    tip: PerFrame
    smile: PerFrame


class Lips(NamedTuple):
    """Lip contours [t w] in pixels below the middle of the mouth, and half-widths [t]."""

    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray
    outer_half_width: np.ndarray


def draw(
    articulation: Articulation, face: Face, rng: np.random.Generator
) -> Float[np.ndarray, "t h w"]:
    """The face in each frame, in grey levels, `CANVAS_PIXELS` high and wide."""
    pose = _pose(articulation, face, rng)
    canvas = _skin(pose.jaw, face)
    x = np.arange(COLUMNS.start - MIDDLE, COLUMNS.stop - MIDDLE, dtype=np.float32)
    y = np.arange(ROWS.start - MIDDLE, ROWS.stop - MIDDLE, dtype=np.float32)[:, None]
    lips = _contours(pose, face, x)
    part = canvas[:, ROWS, COLUMNS]
    _blend(part, _lip_tone(lips, face, y), _between(y, lips.upper_outer, lips.lower_outer))
    opened = _between(y, lips.upper_inner, lips.lower_inner)
    _blend(part, _inside(pose, lips, face, y), opened)
    return canvas


def _skin(jaw: Float[np.ndarray, " t"], face: Face) -> Float[np.ndarray, "t h w"]:
    """Cheeks, nose, chin and beard in grey levels, static except for the chin, which follows `jaw`.

    `jaw` is 0 for closed to 1 for wide open. The mouth will be drawn at the `MIDDLE` of the canvas.
    """
    rng = np.random.default_rng(face.texture_seed)
    size = (CANVAS_PIXELS, CANVAS_PIXELS)
    x = np.arange(CANVAS_PIXELS, dtype=np.float32) - MIDDLE
    y = x[:, None]

    def grain(pixels: float) -> np.ndarray:
        noise = gaussian_filter(rng.normal(size=size).astype(np.float32), pixels)
        return noise / noise.std()

    still = 1 + 0.05 * grain(9.0) + 0.015 * grain(1.2)
    still -= 0.10 * np.exp(-((x / 3.5) ** 2) - ((y + 18) / 8) ** 2)  # the groove under the nose
    for side in (-1, 1):
        still -= 0.45 * np.exp(-(((x - side * 8) / 4.5) ** 2) - ((y + 33) / 3.5) ** 2)  # nostrils
        still -= 0.12 * np.exp(-(((x - side * (30 + 0.25 * y)) / 3) ** 2) - ((y + 8) / 18) ** 2)
    still -= 0.12 * np.exp(-((x / 16) ** 2) - ((y + 38) / 6) ** 2)  # the shadow of the nose
    if face.beard:
        cheeks = 1 / (1 + np.exp(-(np.abs(x) + 0.8 * y - 32) / 5))
        moustache = np.exp(-((x / 22) ** 2) - ((y + 15) / 6) ** 2)
        chin_hair = np.exp(-((x / 18) ** 2) - ((y - 34) / 12) ** 2)
        hair = np.clip(cheeks + moustache + chin_hair, 0, 1)
        still *= 1 - face.beard * hair * np.clip(1 + 0.35 * grain(0.7), 0, 2)

    canvas = np.repeat(face.skin * still.astype(np.float32)[None], len(jaw), axis=0)
    drop = (0.45 * face.opening * jaw)[:, None, None]
    moving, below = canvas[:, MIDDLE:], y[MIDDLE:]  # nothing above the mouth moves with the jaw
    fold = np.exp(-(((below - 16 - 1.6 * drop) / 3.5) ** 2)) * np.exp(-((x / 14) ** 2))
    chin = np.exp(-(((below - 27 - drop) / 7) ** 2)) * np.exp(-((x / 15) ** 2))
    # The neck below the chin is in shadow; the face narrows towards it.
    edge = np.clip((below - 41 - drop) / 4 + 0.003 * x**2, 0, 1)
    moving *= 1 - 0.13 * fold + 0.09 * chin
    moving *= 1 - 0.4 * edge
    return canvas


def _pose(articulation: Articulation, face: Face, rng: np.random.Generator) -> Pose:
    """The articulation at 25 fps, plus smiles and idle motion unrelated to speech."""

    def seen(trajectory: np.ndarray) -> np.ndarray:
        # Mean over the frame, as with a shutter that is open all the time.
        return trajectory.reshape(-1, STEPS_PER_FRAME).mean(axis=1)

    num_frames = len(articulation.jaw) // STEPS_PER_FRAME
    idle = 0.08 * face.restlessness * slow_drift(rng, num_frames, seconds=0.25)
    smile = face.restlessness * slow_drift(rng, num_frames, seconds=1.2)
    jaw = np.clip(seen(articulation.jaw) * face.mobility + 0.6 * idle, 0, 1.2)
    aperture = seen(articulation.aperture) * face.mobility
    # Unless a phone closes them, lips rest slightly apart in pauses, and are never quite still.
    free = np.clip(10 * (1 - seen(articulation.closure)), 0, 1)
    silent = np.clip(1 - seen(articulation.voicing) - seen(articulation.noise), 0, 1)
    aperture = np.clip(aperture + free * (silent * face.rest_opening + idle), 0, 1.2)
    spread = seen(articulation.spread) * face.mobility
    rest = (seen(articulation.closure), seen(articulation.front), seen(articulation.tip), smile)
    return Pose(*(move.astype(np.float32) for move in (aperture, jaw, spread, *rest)))


def _contours(pose: Pose, face: Face, x: np.ndarray) -> Lips:
    """Contours of the lips in each frame, as functions of x."""
    spread, smile = pose.spread, pose.smile
    rounding = np.clip(-spread, 0, 1)
    half_width = face.half_width * (
        1 + 0.12 * np.clip(spread, 0, 1) - 0.28 * rounding + 0.05 * smile - 0.05 * pose.jaw
    )
    outer = np.clip(1 - (x / half_width[:, None]) ** 2, 0, 1)
    inner = np.clip(1 - (x / (half_width * (0.86 - 0.12 * rounding))[:, None]) ** 2, 0, 1)
    height = (face.opening * pose.aperture)[:, None]
    middle = (face.curve - 1.2 * smile)[:, None] * ((x / face.half_width) ** 2 - 0.4)
    # Pressed lips are thin, rounded lips thick.
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
    """Grey levels [t h w] of the lips: the upper lip in shade, the lower one with a highlight."""
    depth = (y - lips.lower_inner[:, None]) / (face.lower_lip + 1)
    shine = np.clip(1 - 4 * (depth - 0.45) ** 2, 0, 1)
    shade = np.where(depth < 0, 0.88, 0.95 + 0.16 * shine)
    # Closed lips meet in a dark line.
    shade -= 0.3 * np.clip(1.2 - np.abs(y - lips.upper_inner[:, None]), 0, 1)
    return (face.skin * (1 - face.lip_contrast)) * shade


def _inside(pose: Pose, lips: Lips, face: Face, y: np.ndarray) -> np.ndarray:
    """Grey levels [t h w] of the inside of an open mouth: dark, with tongue and upper teeth."""
    tone = np.full((len(pose.jaw), len(y), lips.upper_inner.shape[1]), 0.16 * face.skin, np.float32)
    tongue_height = (2 + 4 * pose.front + 5 * pose.tip)[:, None]
    tongue = np.clip((y - (lips.lower_inner - tongue_height)[:, None]) / 3, 0, 1)
    _blend(tone, 0.5 * face.skin, tongue)
    # Spread lips uncover the teeth, rounded lips cover them.
    shown = face.teeth * np.clip(0.5 + 0.6 * pose.spread + 0.3 * pose.smile, 0, 1.3)
    width = 0.72 * lips.outer_half_width[:, None]
    arch = np.clip(1.2 - (np.arange(COLUMNS.start, COLUMNS.stop) - MIDDLE) ** 2 / width**2, 0, 1)
    bottom = lips.upper_inner + shown[:, None] * arch
    _blend(tone, face.teeth_tone, _between(y, lips.upper_inner - 3, bottom))
    return tone


def _between(y: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Fraction of each pixel [t h w] that lies between two contours [t w]."""
    # At most the height of the strip: touching contours cover nothing.
    height = np.clip(bottom - top, 0, 1)[:, None]
    return height * (
        np.clip(y - top[:, None] + 0.5, 0, 1) * np.clip(bottom[:, None] - y + 0.5, 0, 1)
    )


def _blend(picture: np.ndarray, tone: np.ndarray | float, coverage: np.ndarray) -> None:
    """Blends `tone` into `picture` in place, weighted by `coverage`."""
    picture += coverage * (tone - picture)
