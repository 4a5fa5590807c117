"""Video compression: two codecs of FFmpeg, and the quantisation of JPEG."""

from typing import Any

import numpy as np
from jaxtyping import UInt8
from scipy import fft

from avsync.distortions._coding import code_frames
from avsync.distortions.base import Distortion, to_pixels
from avsync.jpeg import LUMINANCE_STEPS

Frames = UInt8[np.ndarray, "t h w 1"]

BLOCK = len(LUMINANCE_STEPS)


def h264(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """H.264 at a constant rate factor; each step of 6 doubles the quantiser."""
    del rng
    options = {"crf": f"{strength:g}", "preset": "veryfast", "tune": "zerolatency"}
    return code_frames(frames, encoder="libx264", decoder="h264", options=options)


def mpeg4(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """MPEG-4 part 2 with a constant quantiser, as in old phones and AVI files."""
    del rng
    options = {"qmin": f"{strength:.0f}", "qmax": f"{strength:.0f}"}
    return code_frames(frames, encoder="mpeg4", decoder="mpeg4", options=options)


def jpeg(frames: Frames, strength: float, rng: np.random.Generator) -> Frames:
    """Each frame by itself: 8 x 8 DCT, quantised as libjpeg does at this quality."""
    del rng
    scale = 50 / strength if strength < 50 else 2 - strength / 50
    table = np.clip(np.floor(LUMINANCE_STEPS * scale + 0.5), 1, 255)[:, None, :]
    time, height, width, _ = frames.shape
    shape = (time, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    blocks = frames.reshape(shape).astype(np.float32) - 128
    transform: Any = fft.dctn(blocks, axes=(2, 4), norm="ortho")
    restored: Any = fft.idctn(np.rint(transform / table) * table, axes=(2, 4), norm="ortho")
    return to_pixels(restored + 128).reshape(frames.shape)


DISTORTIONS = {
    "h264": Distortion("visual", "H.264", "CRF", (1, 51), h264),
    "mpeg4": Distortion("visual", "MPEG-4 part 2", "quantiser", (1, 31), mpeg4),
    "jpeg": Distortion("visual", "JPEG of each frame", "quality", (1, 100), jpeg),
}
