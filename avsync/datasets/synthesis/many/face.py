"""The skin around the mouth at rest: a picture in grey levels, lit from one side.

Coordinates are pixels of the crop from the middle of the mouth, x to the right and y down.
"""

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter

from avsync.datasets.synthesis.many.person import Face

SKIN_PIXELS = 160  # enough for a crop of 96 that is turned, shifted and stretched
MIDDLE = SKIN_PIXELS // 2


def draw_skin(face: Face) -> Float32[np.ndarray, "160 160"]:
    """Cheeks, nose, chin, neck, hair and backdrop; the mouth is drawn over its middle."""
    rng = np.random.default_rng(face.texture_seed)
    x = np.arange(SKIN_PIXELS, dtype=np.float32) - MIDDLE
    y = x[:, None]
    tone = 1 + 0.05 * _grain(9.0, rng) + 0.02 * _grain(2.0, rng) + 0.012 * _grain(0.8, rng)
    tone *= _shading(_height(x, y, face), face)
    tone *= _shadows(x, y, face)
    tone *= 1 - _hair(x, y, face) * np.clip(1 + 0.35 * _grain(0.8, rng), 0, 2)
    # The outline of cheeks and chin; below is the neck in shadow, beside it the backdrop.
    inside = _ellipse(x, y, face.jaw_width, face.chin + 14)
    neck = _soft(0.8 * face.jaw_width - np.abs(x), 2.0) * _soft(y - 0.5 * face.chin, 3.0)
    neck_tone = face.skin * (0.55 + 0.1 * _grain(6.0, rng))
    backdrop = face.backdrop * (1 + 0.1 * _grain(12.0, rng))
    outside = neck * neck_tone + (1 - neck) * backdrop
    skin = inside * face.skin * tone + (1 - inside) * outside
    return gaussian_filter(skin.astype(np.float32), face.edge)


def _grain(pixels: float, rng: np.random.Generator) -> np.ndarray:
    noise = gaussian_filter(
        rng.standard_normal((SKIN_PIXELS, SKIN_PIXELS), np.float32), pixels, mode="wrap"
    )
    return noise / noise.std()


def _bump(x: np.ndarray, y: np.ndarray, *shape: float | int) -> np.ndarray:
    centre_x, centre_y, width, height = shape
    return np.exp(-(((x - centre_x) / width) ** 2) - ((y - centre_y) / height) ** 2)


def _soft(distance: np.ndarray, width: float) -> np.ndarray:
    """0 to 1 across an edge at distance 0."""
    return 1 / (1 + np.exp(-np.clip(distance / width, -30, 30)))


def _ellipse(x: np.ndarray, y: np.ndarray, width: float, height: float) -> np.ndarray:
    """1 inside the outline of the face, which is an ellipse below the nose and straight above."""
    radius = np.sqrt((x / width) ** 2 + (np.clip(y + 15, 0, None) / (height + 15)) ** 2)
    return _soft((1 - radius) * width, 1.2)


def _height(x: np.ndarray, y: np.ndarray, face: Face) -> np.ndarray:
    """Relief in pixels: nose, lips, chin and cheeks."""
    nose = -face.nose
    relief = 9 * _bump(x, y, 0, nose - 8, 8, 9)
    for side in (-1, 1):
        relief += 5 * _bump(x, y, side * 8, nose - 4, 5, 5)
        relief += 7 * _bump(x, y, side * 30, nose, 16, 20)
    relief += 4 * _bump(x, y, 0, 0, face.half_width, 10)
    relief += 5 * _bump(x, y, 0, face.chin - 6, 13, 9)
    return relief - 14 * (x / face.jaw_width) ** 2


def _shading(height: np.ndarray, face: Face) -> np.ndarray:
    """Lambert's law for light from (light_x, light_y above) in front of the face."""
    down, right = np.gradient(face.relief * height)
    light = np.array([face.light_x, -face.light_y, 1.5])
    light /= np.linalg.norm(light)
    facing = (light[2] - light[0] * right - light[1] * down) / np.sqrt(1 + right**2 + down**2)
    return 0.35 + 0.65 * np.clip(facing, 0, None) / light[2]


def _shadows(x: np.ndarray, y: np.ndarray, face: Face) -> np.ndarray:
    nose = -face.nose
    depth = 0.12 * _bump(x, y, 0, nose / 2, 3.0, 6.0)  # the groove under the nose
    for side in (-1, 1):
        depth = depth + 0.5 * _bump(x, y, side * 6.5, nose, 3.5, 2.2)  # nostrils
        fold = np.exp(-(((x - side * (face.half_width + 7 + 0.35 * y)) / 2.5) ** 2))
        depth = depth + 0.12 * fold * np.exp(-(((y + 6) / 16) ** 2))
        depth = depth + 0.15 * _bump(x, y, side * (face.half_width + 1), face.corners, 3, 3)
    depth = depth + 0.15 * max(face.light_y, 0) * _bump(x, y, 0, nose + 4, 12, 4)
    depth = depth + 0.18 * _bump(x, y, 0, face.lower_lip + 5, 0.6 * face.half_width, 3.5)
    return 1 - np.clip(depth, 0, 0.8)


def _hair(x: np.ndarray, y: np.ndarray, face: Face) -> np.ndarray:
    cheeks = _soft(np.abs(x) + 0.8 * y - face.half_width - 8, 4.0)
    moustache = _bump(x, y, 0, -0.45 * face.nose, face.half_width, 5)
    chin = _bump(x, y, 0, face.chin - 8, 16, 12)
    hair = face.beard * np.clip(cheeks + chin, 0, 1) + face.moustache * moustache
    return np.clip(hair + face.stubble * np.clip(cheeks + chin + moustache, 0, 1), 0, 0.8)
