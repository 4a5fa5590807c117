"""One raw file to one clip: decode, find the talking face, crop its mouth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int16, UInt8

from avsync.media.decode import decode
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_crop import crop_mouths, fill_missing
from avsync.media.probe import describe_face
from avsync.media.rejects import Reject
from avsync.media.tracks import find_tracks, talking_track
from avsync.types import Clip, MediaFile
from avsync.units import FRAMES_PER_SECOND, INT16_SCALE

# The amplitude at which trimming says that sound begins (Smeu et al., CVPR 2025): a clip that
# never exceeds it would be trimmed to nothing.
SILENCE_AMPLITUDE = 5e-4


def prepare_clip(media: MediaFile, *, detector: FaceDetector) -> Clip:
    """The clip that the file holds; raises `Reject` with the reason if it holds none."""
    recording = decode(media.path)
    require_sound(recording.waveform)
    tracks = find_tracks(recording.frames, detector)
    track = talking_track(tracks)
    crops = crop_mouths(recording.frames, fill_missing(track.landmarks))
    face = describe_face(track, num_tracks=len(tracks), width_pixels=recording.frames.shape[2])
    return labelled(crops, recording.waveform, file=media, measured=recording.media | face)


def labelled(
    frames: UInt8[np.ndarray, "t 96 96 1"],
    waveform: Int16[np.ndarray, " s"],
    *,
    file: MediaFile,
    measured: Mapping[str, Any],
) -> Clip:
    """What was made of `file`, and measured of it, with all that its dataset knows about it."""
    return Clip(
        clip_id=file.clip_id,
        frames=frames,
        waveform=waveform,
        label=file.label,
        category=file.category,
        manipulation=file.manipulation,
        identity=file.identity,
        source_clip=file.source_clip,
        fake_segments=_after_cut(
            file.fake_segments, measured["num_leading_frames_cut"], num_frames=len(frames)
        ),
        attributes=file.attributes,
        media=measured,
    )


def require_sound(waveform: Int16[np.ndarray, " s"]) -> None:
    """Raises `Reject` if nothing is to be heard."""
    # Not |x|: that of -32768 is no int16, and wider ones of an hour would take half a gigabyte.
    loudest = max(int(waveform.max()), -int(waveform.min())) / INT16_SCALE
    if loudest <= SILENCE_AMPLITUDE:
        raise Reject(
            "all_silent", f"the loudest sample is {loudest:.1e}; above {SILENCE_AMPLITUDE} is sound"
        )


def _after_cut(
    segments: tuple[tuple[float, float], ...], num_cut: int, *, num_frames: int
) -> tuple[tuple[float, float], ...]:
    """Segments of the file's own time in that of the clip; those outside of it are gone."""
    cut, length = num_cut / FRAMES_PER_SECOND, num_frames / FRAMES_PER_SECOND
    moved = ((max(0.0, start - cut), min(length, end - cut)) for start, end in segments)
    return tuple((start, end) for start, end in moved if start < end)
