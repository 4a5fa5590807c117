"""Levels, clipping, few bits, and packets that are lost."""

import numpy as np
from jaxtyping import Int16

from avsync.distortions.base import Distortion, rms, to_samples
from avsync.units import SAMPLE_RATE

Samples = Int16[np.ndarray, " s"]

PACKET_SAMPLES = SAMPLE_RATE // 50  # 20 ms


def gain(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """Louder or, if negative, softer by this many dB; saturates."""
    del rng
    return to_samples(waveform * 10 ** (strength / 20))


def clipping(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """The loudest samples, this percentage of all, cut off; the level stays."""
    del rng
    limit = np.quantile(np.abs(waveform.astype(np.float64)), 1 - strength / 100)
    cut = np.clip(waveform.astype(np.float64), -limit, limit)
    return to_samples(cut * rms(waveform) / rms(cut))


def few_bits(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """This many bits for the range of the clip."""
    del rng
    peak = max(int(np.abs(waveform.astype(np.int32)).max()), 1)
    step = peak / 2 ** (strength - 1)
    return to_samples(np.rint(waveform / step) * step)


def lost_packets(waveform: Samples, strength: float, rng: np.random.Generator) -> Samples:
    """This percentage of the packets of 20 ms silent."""
    num_packets = -(-len(waveform) // PACKET_SAMPLES)
    is_left = rng.random(num_packets) * 100 >= strength
    return waveform * is_left.repeat(PACKET_SAMPLES)[: len(waveform)].astype(np.int16)


DISTORTIONS = {
    "gain": Distortion("audio", "level", "dB", (-60, 60), gain),
    "clipping": Distortion("audio", "clipping", "% of samples", (0.01, 90), clipping),
    "few_bits": Distortion("audio", "few bits", "bits", (2, 16), few_bits),
    "lost_packets": Distortion("audio", "lost packets", "% of packets", (0, 100), lost_packets),
}
