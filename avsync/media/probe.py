"""What is known of a raw file beside its clip: the flat record that becomes `Clip.media`.

Reals and fakes that were written by different tools differ in these things, and a model told reals
from fakes by them would know nothing of faces; `avsync-audit` looks for that.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from avsync.media.tracks import LEFT_EYE, RIGHT_EYE, Track

# Every key that a record may have: these are texts.
TEXTS = {
    "container": "format of the file, as FFmpeg names it",
    "container_brand": "major brand of an MP4 or QuickTime file",
    "container_encoder": "what wrote the file, by its own tag",
    "video_encoder": "what encoded the picture, by its own tag",
    "audio_encoder": "what encoded the sound, by its own tag",
    "video_codec": "codec of the picture",
    "video_profile": "profile of that codec",
    "pixel_format": "how the pixels are stored, as FFmpeg names it",
    "audio_codec": "codec of the sound",
    "sample_format": "how the samples are stored, as FFmpeg names it",
}

# And these numbers.
NUMBERS = {
    "width_pixels": "width of the picture as shown",
    "height_pixels": "height of the picture as shown",
    "video_frames_per_second": "mean rate of the frames, from their times",
    "video_bits_per_second": "size of the coded picture over its length",
    "sample_rate_hertz": "sample rate of the sound",
    "num_audio_channels": "channels of the sound",
    "audio_bits_per_second": "size of the coded sound over its length",
    "file_bytes_per_second": "size of the file over the length of the picture",
    "video_seconds": "length of the picture",
    "audio_seconds": "length of the sound",
    "length_difference_seconds": "length of the sound less that of the picture",
    "start_difference_seconds": "how much later than the picture the sound starts",
    "filled_gap_seconds": "gaps in the sound, all together",
    "num_leading_frames_cut": "frames dropped because the sound starts after the picture",
    "num_face_tracks": "faces seen for half a second or longer",
    "face_seen_share": "part of the frames in which the chosen face was seen, not interpolated",
    "eye_distance_pixels": "median distance between the outer corners of the chosen face's eyes",
    "eye_distance_share": "that distance over the width of the picture",
}

# What a file does not tell is left out of its record.
KEYS = TEXTS | NUMBERS


def describe_formats(
    container: InputContainer, *, video: VideoStream, audio: AudioStream
) -> dict[str, Any]:
    """What the headers of an open file state, by the names of `KEYS`."""
    return _known(
        {
            "container": container.format.name,
            "container_brand": _tag(container.metadata, "major_brand"),
            "container_encoder": _tag(container.metadata, "encoder"),
            "video_encoder": _tag(video.metadata, "encoder"),
            "audio_encoder": _tag(audio.metadata, "encoder"),
            "video_codec": video.codec.canonical_name,
            "video_profile": video.profile,
            "pixel_format": video.codec_context.pix_fmt,
            "audio_codec": audio.codec.canonical_name,
            "sample_format": audio.format.name if audio.format else None,
            "num_audio_channels": audio.layout.nb_channels,
        }
    )


def describe_sizes(
    path: Path,
    *,
    video_bytes: int,
    audio_bytes: int,
    video_seconds: float,
    audio_seconds: float,
) -> dict[str, Any]:
    """Lengths and rates of a file whose streams were read to their end and are not empty."""
    return {
        "video_seconds": round(video_seconds, 6),
        "audio_seconds": round(audio_seconds, 6),
        "length_difference_seconds": round(audio_seconds - video_seconds, 6),
        "video_bits_per_second": round(8 * video_bytes / video_seconds),
        "audio_bits_per_second": round(8 * audio_bytes / audio_seconds),
        "file_bytes_per_second": round(path.stat().st_size / video_seconds),
    }


def describe_face(track: Track, *, num_tracks: int, width_pixels: int) -> dict[str, Any]:
    """The chosen face, as it was seen."""
    seen = track.landmarks[track.is_seen]
    distances = np.linalg.norm(seen[:, RIGHT_EYE] - seen[:, LEFT_EYE], axis=-1)
    eye_distance = float(np.median(distances))
    return {
        "num_face_tracks": num_tracks,
        "face_seen_share": round(float(track.is_seen.mean()), 6),
        "eye_distance_pixels": round(eye_distance, 3),
        "eye_distance_share": round(eye_distance / width_pixels, 6),
    }


def _tag(tags: Mapping[str, str], name: str) -> str | None:
    # Matroska writes ENCODER where MP4 writes encoder.
    return next((text for key, text in tags.items() if key.lower() == name), None)


def _known(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
