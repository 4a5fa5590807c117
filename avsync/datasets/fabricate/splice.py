"""Replaces a segment of speech by speech of the donor."""

import numpy as np
from jaxtyping import Int16

from avsync.datasets.fabricate._fake_clip import make_fake, segment_frames
from avsync.datasets.fabricate._speech import draw_speech_segment
from avsync.types import Clip
from avsync.units import SAMPLE_RATE, SAMPLES_PER_FRAME

# 10 ms at either end, inside the segment: long enough to avoid clicks, short beside a syllable.
FADE_SAMPLES = SAMPLE_RATE // 100

INT16_PEAK = 32_767


def fabricate(clip: Clip, donor: Clip, rng: np.random.Generator, *, seconds: float = 0.8) -> Clip:
    """Replaces `seconds` of the clip's speech by speech of the donor, at the same level.

    Both segments are drawn from speech: silence spliced over silence would not be a fake. Raises
    `CannotFabricate` if either clip has no such segment.
    """
    segment = draw_speech_segment(clip, segment_frames(seconds), rng=rng)
    return make_fake(
        clip,
        manipulation=f"splice_{seconds:g}s",
        category="RV-FA",
        segments=[segment],
        waveform=splice_speech(clip, donor, segment, rng=rng),
    )


def splice_speech(
    clip: Clip, donor: Clip, segment: slice, *, rng: np.random.Generator
) -> Int16[np.ndarray, " s"]:
    """The sound of `clip` with the video frames of `segment` replaced by speech of `donor`."""
    donated = draw_speech_segment(donor, segment.stop - segment.start, rng=rng)
    inserted = donor.waveform[_samples(donated)]
    return splice_sound(clip.waveform, inserted, start_sample=_samples(segment).start)


def splice_sound(
    waveform: Int16[np.ndarray, " s"], inserted: Int16[np.ndarray, " n"], *, start_sample: int
) -> Int16[np.ndarray, " s"]:
    """Replaces part of `waveform` by `inserted` from `start_sample` on, with cross-fades inside.

    The insert is scaled to the level (RMS) of the replaced part, or to the largest level that does
    not clip in 16 bits. Samples outside the insert are unchanged.
    """
    at = slice(start_sample, start_sample + len(inserted))
    replaced = waveform[at].astype(np.float64)
    insert = inserted * _gain(inserted, replaced)
    fade = np.ones(len(insert))
    # The two sounds are uncorrelated, so the cross-fade keeps the sum of their powers constant.
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


def _samples(segment: slice) -> slice:
    return slice(segment.start * SAMPLES_PER_FRAME, segment.stop * SAMPLES_PER_FRAME)
