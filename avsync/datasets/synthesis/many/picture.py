"""From the shape of the mouth to crops in grey levels.

Every pixel of a crop is looked up in the skin at rest, which chin and cheeks stretch; lips, teeth
and tongue are drawn over it. Like real crops, these follow the landmarks of the mouth, in whole
pixels.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32
from numba import njit

from avsync.datasets.synthesis.articulation import slow_drift
from avsync.datasets.synthesis.many.face import MIDDLE, SKIN_PIXELS, draw_skin
from avsync.datasets.synthesis.many.mouth import (
    BOTTOM,
    CORNERS,
    HALF_WIDTH,
    INNER_WIDTH,
    JAW,
    LOWER,
    STRETCH,
    TONGUE,
    TOP,
    TUCK,
    UPPER,
)
from avsync.datasets.synthesis.many.person import Camera, Face
from avsync.units import CROP_PIXELS

WRINKLES = 96  # values of the vertical texture of the lips


def picture(
    shapes: Float32[np.ndarray, "t 11"], face: Face, camera: Camera, rng: np.random.Generator
) -> Float32[np.ndarray, "t 96 96"]:
    """The crops, in grey levels, before noise and compression."""
    num_frames = len(shapes)
    crops = np.empty((num_frames, CROP_PIXELS, CROP_PIXELS), np.float32)
    look = np.random.default_rng(face.texture_seed)
    _render(
        shapes,
        _poses(shapes, face, camera, rng).astype(np.float32),
        draw_skin(face),
        look.normal(0, 0.02, WRINKLES).astype(np.float32),
        np.array(
            [
                face.bow,
                face.slant,
                face.roundness,
                face.asymmetry,
                face.skin,
                face.lip_tone,
                face.gloss,
                face.line,
                face.cavity,
                face.teeth_tone,
                face.upper_teeth,
                face.lower_teeth,
                face.tongue_tone,
                face.edge,
                face.light_x,
                face.light_y,
            ],
            np.float32,
        ),
        crops,
    )
    return crops


def _poses(
    shapes: np.ndarray, face: Face, camera: Camera, rng: np.random.Generator
) -> Float[np.ndarray, "t 5"]:
    """Cosine and sine over the scale, and the place (x, y) of the middle of the crop in the face.

    The last column is the turn of the head to one side.
    """
    num_frames = len(shapes)

    def drift(size: float, seconds: float) -> np.ndarray:
        return size * slow_drift(rng, num_frames, seconds=seconds)

    sway = camera.sway
    angle = np.deg2rad(rng.normal(0, 2) + drift(0.5 * sway, 0.8))
    scale = 1 + rng.normal(0, 0.03) + drift(0.006 * sway, 1.0)
    # The mean of the 20 landmarks of the mouth, of which half are on the outer contour.
    upper = 0.4 * (shapes[:, TOP] - 0.7 * shapes[:, UPPER])
    lower = 0.4 * (shapes[:, BOTTOM] + 0.7 * shapes[:, LOWER])
    centre_y = upper + lower + 0.2 * shapes[:, CORNERS]
    noise = camera.landmark_noise * rng.normal(size=(num_frames, 2))
    bias = rng.normal(0, 1.0, 2)
    # The face drifts through the picture, and the crop starts at a whole pixel of it.
    place = np.stack([drift(sway, 0.7), drift(sway, 0.6)], axis=1) + rng.uniform(0, 1, 2)
    target = place + np.stack([np.zeros(num_frames), centre_y], axis=1) + noise + bias
    middle = np.round(target) - place
    turn = rng.normal(0, 0.08) + drift(0.01 * sway, 0.9)
    return np.stack(
        [np.cos(angle) / scale, np.sin(angle) / scale, middle[:, 0], middle[:, 1], turn], axis=1
    )


# The rest is compiled by numba, which knows no type checks: plain loops.
@njit(cache=True)
@no_type_check
def _step(distance, width):
    """0 to 1 across an edge at distance 0, about as wide as a Gaussian of deviation `width`."""
    t = distance / (2.2 * width)
    if t <= -1:
        return 0.0
    if t >= 1:
        return 1.0
    return 0.5 + 0.25 * t * (3 - t * t)


@njit(cache=True)
@no_type_check
def _skin_at(skin, x, y):
    """The skin at (x, y), bilinearly."""
    x = min(max(x + MIDDLE, 0.0), SKIN_PIXELS - 1.001)
    y = min(max(y + MIDDLE, 0.0), SKIN_PIXELS - 1.001)
    column, row = int(x), int(y)
    right, down = x - column, y - row
    top = skin[row, column] + right * (skin[row, column + 1] - skin[row, column])
    bottom = skin[row + 1, column] + right * (skin[row + 1, column + 1] - skin[row + 1, column])
    return top + down * (bottom - top)


@njit(cache=True)
@no_type_check
def _render(shapes, poses, skin, wrinkles, look, crops):
    """Fills `crops`."""
    (bow, slant, roundness, asymmetry, skin_tone, lip_tone, gloss, line, cavity, teeth_tone,
     upper_teeth, lower_teeth, tongue_tone, edge, light_x, light_y) = look  # fmt: skip
    half = (CROP_PIXELS - 1) / 2
    for t in range(len(crops)):
        shape = shapes[t]
        cosine, sine, middle_x, middle_y, turn = poses[t]
        width, inner = shape[HALF_WIDTH], shape[INNER_WIDTH]
        jaw, tuck = shape[JAW], shape[TUCK]
        tilt = abs(shape[CORNERS]) + abs(slant)
        highest = (1 + abs(asymmetry)) * shape[TOP] - shape[UPPER] - tilt - 3
        lowest = (1 + abs(asymmetry)) * shape[BOTTOM] + shape[LOWER] + tilt + 3
        for row in range(CROP_PIXELS):
            for column in range(CROP_PIXELS):
                u, v = column - half, row - half
                x = cosine * u - sine * v + middle_x
                y = sine * u + cosine * v + middle_y
                x = x + turn * x * x / 40  # one cheek is further away
                # The skin: the jaw takes chin and cheeks along, spread lips push the cheeks.
                pull = (y + 2) / 18
                pull = min(max(pull, 0.0), 1.0)
                pull = pull * pull * (3 - 2 * pull)
                far = abs(x) / 50
                pull *= max(1 - far * far, 0.0)
                away = (abs(x) - width) ** 2 / 200 + y * y / 300
                push = max(1 - away / 3, 0.0)  # about exp(-away)
                push *= push * push
                side = 1.0 if x > 0 else -1.0
                rest_y = y - jaw * pull
                if y < 0 and y > -16:  # the upper lip stretches the skin below the nose
                    rest_y -= shape[TOP] * (16 + y) / 16
                value = _skin_at(skin, x - 2.0 * shape[STRETCH] * side * push, rest_y)
                crops[t, row, column] = value
                if abs(x) > width + 3 or y < highest or y > lowest:
                    continue
                along = x / width
                bend = shape[CORNERS] * along * along + slant * along / 2
                outer = max(1 - abs(along) ** roundness, 0.0)
                inside = max(1 - abs(x / inner) ** (roundness + 0.3), 0.0)
                inside *= max(1 + asymmetry * along, 0.0)
                top = bend + shape[TOP] * inside
                bottom = bend + shape[BOTTOM] * inside
                dip = 1 - bow * np.exp(-x * x / 14)
                above = top - shape[UPPER] * outer**0.8 * dip
                below = bottom + shape[LOWER] * outer**0.65
                if y < above - 3 or y > below + 3:
                    continue
                # Lips: the upper one faces down, the lower one up.
                wrinkle = 1 + wrinkles[int(abs(x * 1.7 + 48)) % WRINKLES]
                if y < 0.5 * (top + bottom):
                    depth = (y - above) / (top - above + 0.5)
                    tone = 0.97 - (0.10 + 0.08 * light_y) * min(max(depth, 0.0), 1.0)
                else:
                    depth = (y - bottom) / (below - bottom + 0.5)
                    shine = (1 - 12 * (depth - 0.4) ** 2) * outer
                    tone = 0.94 + 0.05 * light_y + gloss * max(shine, 0.0)
                    tone -= 0.12 * max(depth - 0.7, 0.0) / 0.3
                tone *= 1 + 0.10 * light_x * along
                gap = bottom - top
                if gap < 2.5:  # closed lips meet in a dark line
                    near = y - 0.5 * (top + bottom)
                    tone -= line * np.exp(-near * near / (1 + edge)) * max(1 - gap / 2.5, 0.0)
                tone *= skin_tone * lip_tone * wrinkle
                cover = _step(y - above, edge) * _step(below - y, edge)
                cover *= _step(width - abs(x), edge)
                value += cover * (tone - value)
                # The inside: a dark cavity, the tongue, and teeth that belong to skull and jaw.
                cover = _step(y - top, edge) * _step(bottom - y, edge) * min(gap / (1 + edge), 1.0)
                if cover > 0 and gap > 0:
                    value += cover * (
                        _inside(
                            x, y, top, gap, inner, shape, tuck, skin_tone, cavity, teeth_tone,
                            upper_teeth, lower_teeth, tongue_tone, edge,
                        ) - value
                    )  # fmt: skip
                crops[t, row, column] = value


@njit(cache=True)
@no_type_check
def _inside(
    x, y, top, gap, inner, shape, tuck, skin_tone, cavity, teeth_tone,
    upper_teeth, lower_teeth, tongue_tone, edge,
):  # fmt: skip
    """Grey level of the inside of the mouth at (x, y)."""
    arch = 1 - 0.35 * (x / inner) ** 2
    tone = cavity * (0.8 + 0.4 * arch)
    # Edges of the rows of teeth; the lower lip hides most of the lower row, wherever the jaw is.
    upper_edge = upper_teeth * arch + 2.5 * tuck
    lower_edge = shape[BOTTOM] - lower_teeth + 1.5 * (1 - arch)
    tongue_edge = lower_edge + 1.5 - shape[TONGUE] * arch
    tone += _step(y - tongue_edge, edge + 0.5) * (tongue_tone * arch - tone)
    spacing = x / 4.6
    cleft = spacing - np.floor(spacing) - 0.5
    crown = teeth_tone * arch * (1 - 0.08 * max(1 - 6 * (0.5 - abs(cleft)), 0.0))
    fade = _step(0.85 * inner - abs(x), 2.0)
    tone += fade * _step(y - lower_edge, edge) * (0.9 * crown - tone)
    tone += fade * _step(upper_edge - y, edge) * (crown - tone)
    # The upper lip throws its shadow on the teeth.
    shadow = 1 - 0.35 * max(1 - (y - top) / 3, 0.0)
    return skin_tone * tone * shadow
