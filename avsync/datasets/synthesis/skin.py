"""The face about the mouth: drawn once for a clip, but for what hangs on the jaw."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from avsync.datasets.synthesis.talker import Face

CANVAS_PIXELS = 116  # the crop and 10 pixels on each side, for the head to move in
MIDDLE = CANVAS_PIXELS // 2


def draw_skin(jaw: Float[np.ndarray, " t"], face: Face) -> Float[np.ndarray, "t h w"]:
    """Cheeks, nose, chin and beard in grey levels: still, but for the chin, which `jaw` pulls down.

    `jaw` is 0 closed to 1 wide open. The canvas is `CANVAS_PIXELS` square, the mouth goes to its
    `MIDDLE`.
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
    moving, below = canvas[:, MIDDLE:], y[MIDDLE:]  # nothing above the mouth goes with the jaw
    fold = np.exp(-(((below - 16 - 1.6 * drop) / 3.5) ** 2)) * np.exp(-((x / 14) ** 2))
    chin = np.exp(-(((below - 27 - drop) / 7) ** 2)) * np.exp(-((x / 15) ** 2))
    # Below the chin is the neck, in shadow; the face narrows towards it.
    edge = np.clip((below - 41 - drop) / 4 + 0.003 * x**2, 0, 1)
    moving *= 1 - 0.13 * fold + 0.09 * chin
    moving *= 1 - 0.4 * edge
    return canvas
