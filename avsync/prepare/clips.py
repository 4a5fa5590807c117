"""One raw file to one clip: decode, find the talking face, crop its mouth."""

import numpy as np
from jaxtyping import Int16

from avsync.prepare.decode import decode
from avsync.prepare.landmarks.base import FaceDetector
from avsync.prepare.media import describe_face
from avsync.prepare.mouth_crop import crop_mouths, fill_missing
from avsync.prepare.rejects import Reject
from avsync.prepare.tracks import find_tracks, talking_track
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
    return Clip(
        clip_id=media.clip_id,
        frames=crops,
        waveform=recording.waveform,
        label=media.label,
        category=media.category,
        manipulation=media.manipulation,
        identity=media.identity,
        source_clip=media.source_clip,
        fake_segments=_after_cut(
            media.fake_segments, recording.num_leading_frames_cut, num_frames=len(crops)
        ),
        attributes=media.attributes,
        media=recording.media | face,
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
