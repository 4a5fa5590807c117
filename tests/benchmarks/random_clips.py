"""A dataset of clips that compress like mouth crops, to time what reads clips.

`write(DIR, num_clips=64)` makes the dataset `random_clips` below DIR.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from avsync.datasets.base import ClipBuilder
from avsync.types import Clip
from avsync.units import CROP_PIXELS, SAMPLES_PER_FRAME

NAME = "random_clips"


def write(data_dir: Path, *, num_clips: int, num_frames: int = 90) -> None:
    """The splits `train` and `val`, of `num_clips` each."""

    class Builder(ClipBuilder, skip_registration=True):
        name = NAME
        REAL_ONLY_SPLITS = ("train", "val")

        def clips(self) -> dict[str, Iterable[Clip]]:
            return {
                split: (_clip(f"{split}/{i}", i, num_frames) for i in range(num_clips))
                for split in self.REAL_ONLY_SPLITS
            }

    Builder(data_dir=data_dir).download_and_prepare()


def _clip(clip_id: str, seed: int, num_frames: int) -> Clip:
    random = np.random.default_rng(seed)
    # Gradients that move, and noise of two grey levels: 4 to 5 kB a frame as PNG, as a real crop.
    x = np.linspace(0, 3, CROP_PIXELS) + 0.1 * np.arange(num_frames)[:, None]
    pixels = 128 + 60 * np.sin(x)[:, :, None] * np.cos(x)[:, None, :]
    pixels = pixels + random.integers(-1, 2, pixels.shape)
    sound = random.integers(-3000, 3000, num_frames * SAMPLES_PER_FRAME).astype(np.int16)
    return Clip(clip_id=clip_id, frames=pixels.astype(np.uint8)[..., None], waveform=sound)
