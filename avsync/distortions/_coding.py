"""Clips through the encoders and decoders of FFmpeg, in memory, without a container."""

import functools
from fractions import Fraction
from typing import Any

import av
import numpy as np
from jaxtyping import Int16, UInt8

from avsync.distortions.base import to_samples
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE

# Encoders and decoders together delay the sound by 0.02 to 0.13 s.
MAX_DELAY_SAMPLES = SAMPLE_RATE // 4

# Neutral grey, for both colour planes of a grey picture.
NO_COLOUR = 128


def code_frames(
    frames: UInt8[np.ndarray, "t h w 1"], *, encoder: str, decoder: str, options: dict[str, str]
) -> UInt8[np.ndarray, "t h w 1"]:
    """The frames after encoding and decoding, as many as before and in the same order."""
    _, height, width, _ = frames.shape
    coder: Any = av.CodecContext.create(encoder, "w")
    coder.width, coder.height, coder.pix_fmt = width, height, "yuv420p"
    coder.framerate, coder.time_base = FRAMES_PER_SECOND, Fraction(1, FRAMES_PER_SECOND)
    coder.thread_count, coder.gop_size, coder.max_b_frames = 1, 10 * FRAMES_PER_SECOND, 0
    coder.options = options
    packets = []
    for index, frame in enumerate(frames[..., 0]):
        colour = np.full((height // 2, width), NO_COLOUR, np.uint8)
        picture = av.VideoFrame.from_ndarray(np.concatenate([frame, colour]), format="yuv420p")
        picture.pts = index
        packets += coder.encode(picture)
    packets += coder.encode(None)
    reader: Any = av.CodecContext.create(decoder, "r")
    reader.thread_count = 1
    if coder.extradata:
        reader.extradata = coder.extradata
    decoded = [picture for packet in packets for picture in reader.decode(packet)]
    decoded += reader.decode(None)
    assert len(decoded) == len(frames), f"{encoder}: {len(decoded)} of {len(frames)} frames"
    return np.stack([picture.to_ndarray()[:height, :width, None] for picture in decoded])


def code_samples(
    waveform: Int16[np.ndarray, " s"], *, encoder: str, decoder: str, bits_per_second: int
) -> Int16[np.ndarray, " s"]:
    """The samples after encoding and decoding, with the delay of the codec taken back."""
    delay = _delay_samples(encoder, decoder, bits_per_second)
    coded = _coded(waveform, encoder, decoder, bits_per_second)
    kept = coded[delay : delay + len(waveform)]
    return np.pad(kept, (0, len(waveform) - len(kept)))


@functools.cache
def _delay_samples(encoder: str, decoder: str, bits_per_second: int) -> int:
    """The delay of the codec, which is the same for all sounds: where noise comes out again."""
    noise = np.random.default_rng(0).normal(0, 3_000, SAMPLE_RATE)
    # Low bit rates keep low frequencies only.
    noise = np.convolve(noise, np.hanning(16) / 8, "same")
    coded = _coded(to_samples(noise), encoder, decoder, bits_per_second).astype(np.float64)
    size = 2 * (len(coded) + len(noise))
    spectrum = np.fft.rfft(coded, size) * np.conj(np.fft.rfft(noise, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[:MAX_DELAY_SAMPLES]))


def _coded(
    waveform: np.ndarray, encoder: str, decoder: str, bits_per_second: int
) -> Int16[np.ndarray, " n"]:
    coder: Any = av.CodecContext.create(encoder, "w")
    coder.sample_rate, coder.layout, coder.bit_rate = SAMPLE_RATE, "mono", bits_per_second
    coder.format = (av.Codec(encoder, "w").audio_formats or [av.AudioFormat("s16")])[0]
    coder.open()
    into = av.AudioResampler(coder.format, "mono", SAMPLE_RATE, coder.frame_size)
    # Zeros push the last sounds through.
    padded = np.pad(waveform, (0, MAX_DELAY_SAMPLES))
    frame = av.AudioFrame.from_ndarray(padded[None], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    packets = [packet for piece in into.resample(frame) for packet in coder.encode(piece)]
    packets += [packet for piece in into.resample(None) for packet in coder.encode(piece)]
    packets += coder.encode(None)
    reader: Any = av.CodecContext.create(decoder, "r")
    reader.sample_rate, reader.layout = SAMPLE_RATE, "mono"
    if coder.extradata:
        reader.extradata = coder.extradata
    out = av.AudioResampler("s16", "mono", SAMPLE_RATE)
    decoded = [piece for packet in packets for piece in reader.decode(packet)]
    decoded += reader.decode(None)
    pieces = [piece for frame in [*decoded, None] for piece in out.resample(frame)]
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])
