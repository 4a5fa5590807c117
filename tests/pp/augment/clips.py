"""A talker whose mouth opens as loud as the voice is, and how far sound and picture lie apart."""

import numpy as np

from avsync.units import SAMPLE_RATE, SAMPLES_PER_FRAME

# Steps of the search for the offset: 1/16 frame.
STEPS = 16


def talker(*, num_frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [t 96 96 1] and int16 [640 t]: dark lips open over skin, in time with the loudness."""
    rng = np.random.default_rng(seed)
    num_samples = num_frames * SAMPLES_PER_FRAME
    # A syllable every 0.2 to 0.4 s.
    onsets = np.cumsum(rng.uniform(0.2, 0.4, 2 * num_frames // 10 + 2)) * SAMPLE_RATE
    time = np.arange(num_samples)
    loud = sum(np.exp(-0.5 * ((time - onset) / 900) ** 2) for onset in onsets)
    loud = np.clip(loud, 0, 1)
    pitch = 2 * np.pi * 120 * time / SAMPLE_RATE
    voice = sum(np.cos(k * pitch + k) / k for k in range(1, 40)) + 0.3 * rng.normal(size=len(time))
    waveform = np.round(3000 * loud * voice).astype(np.int16)
    opening = loud.reshape(num_frames, SAMPLES_PER_FRAME).mean(1)
    y, x = np.mgrid[:96, :96] - 47.5
    skin = 150 + 20 * np.sin(x / 9) * np.cos(y / 7)
    height = 3 + 14 * opening[:, None, None]
    inside = (x / 26) ** 2 + (y / height) ** 2 < 1
    return np.where(inside, 40, skin).astype(np.uint8)[..., None], waveform


def late_frames(frames: np.ndarray, waveform: np.ndarray) -> float:
    """How late the sound is, in frames: where loudness fits the darkness of the lips best.

    No model is asked: the brightness of the middle of the crop against the energy of the sound.
    """
    height, width = frames.shape[1:3]
    middle = frames[:, height // 4 : -height // 4, width // 4 : -width // 4, 0]
    dark = -middle.astype(float).mean((1, 2))
    num_frames = len(frames)
    hop = SAMPLES_PER_FRAME // STEPS
    power = np.sqrt((waveform.astype(float) ** 2).reshape(-1, hop).mean(1))
    # As long as a frame, around each step: both signals then have the same resolution.
    power = np.convolve(power, np.ones(STEPS) / STEPS, "same")
    centres = (np.arange(num_frames) + 0.5) * STEPS - 0.5
    fine = np.arange(num_frames * STEPS)
    scores = {}
    for late in range(-3 * STEPS, 3 * STEPS + 1):
        inner = slice(4, -4)
        loud = np.interp(centres + late, fine, power)[inner]
        scores[late / STEPS] = np.corrcoef(loud, dark[inner])[0, 1]
    best = max(scores, key=scores.__getitem__)
    assert scores[best] > 0.3, "lips and sound do not fit at all"
    return best
