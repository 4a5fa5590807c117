"""A distortion: a pure function of a clip, a strength and a seed, found by its name.

Each file of `avsync.distortions` has a dict `DISTORTIONS` by name. Visual ones change mouth crops,
uint8 [t 96 96 1]; audible ones change samples, int16 [640 t] at 16 kHz. None moves the sound
against the picture: filters have no phase, delays of codecs are taken back, and a frame that is
lost is replaced by the nearest one, not by the one before it. `tests/distortions` measures that.

Real clips and fakes are distorted alike: the random draws of a fake are those of the real clip
that it was made from.
"""

import functools
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from avsync import lookup
from avsync.types import Clip

PACKAGE = "distortions"

# The strengths of each distortion, by its name; `configs/distortions/` has such grids.
Grid = Mapping[str, tuple[float, ...]]

INT16_PEAK = 32_767


class Distortion(NamedTuple):
    """A distortion of one stream.

    stream: "visual" or "audio".
    description: what is changed, a noun phrase.
    unit: of the strength.
    limits: the smallest and the largest strength that makes sense; either may be the stronger one.
    apply: (frames or samples, strength, random generator) -> the same shape and type.
    """

    stream: str
    description: str
    unit: str
    limits: tuple[float, float]
    apply: Callable[[Any, float, np.random.Generator], np.ndarray]


@functools.cache
def all_distortions() -> dict[str, Distortion]:
    """All distortions of all files, by name."""
    return {
        name: distortion
        for module in lookup.names(PACKAGE)
        for name, distortion in lookup.load(PACKAGE, module).DISTORTIONS.items()
    }


def require_grid(grid: Any) -> Grid:
    """`grid` with the strengths of each distortion as floats, if all names and strengths are known.

    ValueError names the distortion and the strengths that it takes.
    """
    if not isinstance(grid, Mapping) or not grid:
        raise ValueError(f"expected a dict of strengths by name of distortion, got {grid!r}")
    known = all_distortions()
    for name, strengths in grid.items():
        lookup.require("distortion", name, sorted(known))
        low, high = known[name].limits
        for strength in strengths:
            if not low <= strength <= high:
                raise ValueError(
                    f"{name}: the strength must be between {low:g} and {high:g} "
                    f"({known[name].unit}), got {strength!r}"
                )
        if len(set(strengths)) < len(strengths) or not strengths:
            raise ValueError(f"{name}: needs strengths that differ, got {strengths!r}")
    return {name: tuple(map(float, strengths)) for name, strengths in grid.items()}


def distort(clip: Clip, *, name: str, strength: float, seed: int) -> Clip:
    """The clip with one stream distorted; deterministic for the same clip, strength and seed."""
    distortion = all_distortions()[name]
    source = clip.source_clip or clip.clip_id
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), zlib.crc32(source.encode())])
    if not len(clip.frames):
        return clip
    if distortion.stream == "visual":
        return clip.replace(frames=distortion.apply(clip.frames, strength, rng))
    return clip.replace(waveform=distortion.apply(clip.waveform, strength, rng))


def to_pixels(values: np.ndarray) -> np.ndarray:
    """Grey levels rounded to uint8, saturating."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def to_samples(values: np.ndarray) -> np.ndarray:
    """Amplitudes rounded to int16, saturating."""
    return np.clip(np.rint(values), -INT16_PEAK - 1, INT16_PEAK).astype(np.int16)


def rms(samples: np.ndarray) -> float:
    """The level of samples, at least 1 so that it can be divided by."""
    return max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), 1.0)
