"""A stretch of speech replaced by a stretch of the donor's."""

import numpy as np
from jaxtyping import Int16

from avsync.datasets.fabricate._forgery import forgery, stretch_frames
from avsync.datasets.fabricate._speech import speech_stretch
from avsync.types import Clip
from avsync.units import SAMPLE_RATE, SAMPLES_PER_FRAME

# 10 ms at either end, inside the stretch: long enough for no click, short beside any syllable.
FADE_SAMPLES = SAMPLE_RATE // 100

INT16_PEAK = 32_767


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """`seconds` of the clip's speech replaced by as much of the donor's, at the same level.

    Both stretches are drawn from where their clips speak: silence spliced over silence would be no
    fake. `CannotFabricate` if either clip has no such stretch.
    """
    stretch = speech_stretch(clip, stretch_frames(seconds), rng=rng)
    return forgery(
        clip,
        manipulation=f"splice_{seconds:g}s",
        category="RV-FA",
        stretches=[stretch],
        waveform=splice_speech(clip, donor, stretch, rng=rng),
    )


def splice_speech(
    clip: Clip, donor: Clip, stretch: slice, *, rng: np.random.Generator
) -> Int16[np.ndarray, " s"]:
    """`clip`'s sound with the frames of `stretch` replaced by as many of `donor`'s speech."""
    donated = speech_stretch(donor, stretch.stop - stretch.start, rng=rng)
    inserted = donor.waveform[_samples(donated)]
    return splice_sound(clip.waveform, inserted, start_sample=_samples(stretch).start)


def splice_sound(
    waveform: Int16[np.ndarray, " s"], inserted: Int16[np.ndarray, " n"], *, start_sample: int
) -> Int16[np.ndarray, " s"]:
    """`waveform` with `inserted` from `start_sample` on, cross-faded, no sample outside it touched.

    The insert takes the level (root mean square) of what it replaces, or as much of it as fits into
    16 bits unclipped.
    """
    at = slice(start_sample, start_sample + len(inserted))
    replaced = waveform[at].astype(np.float64)
    insert = inserted * _gain(inserted, replaced)
    fade = np.ones(len(insert))
    # The two sounds have nothing to do with one another, so it is their powers that add up to one.
    ramp = np.sin((np.arange(FADE_SAMPLES) + 0.5) / FADE_SAMPLES * np.pi / 2)
    fade[:FADE_SAMPLES], fade[-FADE_SAMPLES:] = ramp, ramp[::-1]
    mixed = fade * insert + np.sqrt(1 - fade**2) * replaced
    spliced = waveform.copy()
    spliced[at] = np.clip(np.rint(mixed), -INT16_PEAK, INT16_PEAK)
    return spliced


def _gain(inserted: np.ndarray, replaced: np.ndarray) -> float:
    insert = inserted.astype(np.float64)
    level = np.sqrt(np.mean(insert**2))
    if level == 0:
        return 1.0
    return min(np.sqrt(np.mean(replaced**2)) / level, INT16_PEAK / np.abs(insert).max())


def _samples(stretch: slice) -> slice:
    return slice(stretch.start * SAMPLES_PER_FRAME, stretch.stop * SAMPLES_PER_FRAME)
