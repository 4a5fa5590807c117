"""Clips and files for the tests of preparation: small ones, and one that needs much memory."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from avsync.types import Clip, MediaFile

# The facts that the store and the report rely on.
MEASURED = {"num_leading_frames_cut": 0, "num_face_tracks": 1, "length_difference_seconds": 0.01}


def some_clip(clip_id: str = "a", **fields) -> Clip:
    """A second of noise."""
    rng = np.random.default_rng(0)
    fields = {"media": MEASURED, **fields}
    return Clip(
        clip_id=clip_id,
        frames=rng.integers(0, 256, (25, 96, 96, 1), np.uint8),
        waveform=rng.integers(-9, 9, 25 * 640, np.int16),
        **fields,
    )


def grid_files(testdata: Path, num_files: int) -> list[MediaFile]:
    """Real clips of 3 s."""
    paths = sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:num_files]
    return [MediaFile(path.stem, path, identity="s1") for path in paths]


def write_bomb(path: Path, *, side_pixels: int, num_frames: int) -> Path:
    """A small QuickTime file of a black square: each of its frames is `side_pixels`² bytes."""
    rng = np.random.default_rng(0)
    sound = rng.integers(-9000, 9000, (1, 640 * num_frames)).astype(np.int16)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("png", rate=25)
        picture.width = picture.height = side_pixels
        picture.pix_fmt = "gray"
        voice = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        black = np.zeros((side_pixels, side_pixels), np.uint8)
        frame = av.VideoFrame.from_ndarray(black, format="gray")
        # Encoded once, and repeated.
        (encoded,) = [*picture.encode(frame), *picture.encode(None)]
        for index in range(num_frames):
            packet = av.Packet(bytes(encoded))
            packet.stream, packet.is_keyframe = picture, True
            packet.pts = packet.dts = index
            packet.duration, packet.time_base = 1, Fraction(1, 25)
            container.mux(packet)
        samples = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
        samples.sample_rate, samples.time_base, samples.pts = 16_000, Fraction(1, 16_000), 0
        container.mux([*voice.encode(samples), *voice.encode(None)])
    return path
