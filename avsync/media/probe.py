"""Facts of a raw file, the flat record that becomes `Clip.media`.

Real and fake clips written by different tools differ in these facts. A model that separates them by
such facts knows nothing of faces; `avsync-audit` looks for that.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from avsync.media.tracks import MouthTrack

Facts = dict[str, str | int | float]

# All keys that a record may have. Text values:
TEXTS = {
    "container": "container format, as FFmpeg names it",
    "container_brand": "major brand of an MP4 or QuickTime file",
    "container_encoder": "program that wrote the file, by its own tag",
    "video_encoder": "video encoder, by its own tag",
    "audio_encoder": "audio encoder, by its own tag",
    "video_codec": "video codec",
    "video_profile": "profile of the video codec",
    "pixel_format": "pixel format, as FFmpeg names it",
    "audio_codec": "audio codec",
    "sample_format": "sample format, as FFmpeg names it",
}

# Numbers:
NUMBERS = {
    "width_pixels": "frame width as displayed",
    "height_pixels": "frame height as displayed",
    "num_size_changes": "changes of the frame size within the video",
    "video_frames_per_second": "mean frame rate, from the timestamps",
    "video_bits_per_second": "video bit rate",
    "sample_rate_hertz": "audio sample rate",
    "num_audio_channels": "audio channels",
    "audio_bits_per_second": "audio bit rate",
    "file_bytes_per_second": "file size per second of video",
    "video_seconds": "video length",
    "audio_seconds": "audio length",
    "length_difference_seconds": "audio length minus video length",
    "start_difference_seconds": "start of the audio after the start of the video",
    "filled_gap_seconds": "total length of the gaps in the audio",
    "held_gap_seconds": "total length of the gaps in the video, of more than a second each",
    "seconds_missing": "part of the length stated by the header that is not in the file",
    "num_timestamp_restarts": "timestamps that begin again, 0 or 1; the rest was left out",
    "num_frames_lost": "video frames that cannot be decoded",
    "num_frames_damaged": "video frames that were decoded with errors",
    "num_audio_packets_lost": "audio packets that cannot be decoded",
    "num_invalid_samples": "audio samples that are no numbers, or far too large",
    "audio_channel_used": "the audio channel used alone, from 1; 0 for the mean of all",
    "audio_track_used": "the audio track used, from 1",
    "num_audio_tracks": "audio tracks of the file",
    "num_video_tracks": "video tracks of the file, without still pictures",
    "num_leading_frames_cut": "frames dropped because the audio starts after the video",
    "num_face_tracks": "faces seen for half a second or longer",
    "face_seen_share": "share of frames in which the chosen face is seen rather than interpolated",
    "eye_distance_pixels": "median distance between the outer eye corners of the chosen face",
    "eye_distance_share": "that distance over the frame width",
}

# Facts that a file does not state are left out of its record.
KEYS = TEXTS | NUMBERS


def describe_formats(container: InputContainer, *, video: VideoStream, audio: AudioStream) -> Facts:
    """Returns what the headers of an open file state."""
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
) -> Facts:
    """Returns lengths and rates of a file whose streams were read to the end and are not empty."""
    return {
        "video_seconds": round(video_seconds, 6),
        "audio_seconds": round(audio_seconds, 6),
        "length_difference_seconds": round(audio_seconds - video_seconds, 6),
        "video_bits_per_second": round(8 * video_bytes / video_seconds),
        "audio_bits_per_second": round(8 * audio_bytes / audio_seconds),
        "file_bytes_per_second": round(path.stat().st_size / video_seconds),
    }


def describe_face(
    track: MouthTrack, *, num_tracks: int, num_frames: int, width_pixels: int
) -> Facts:
    """Returns the facts of the face chosen in a clip of `num_frames`."""
    eye_distance = float(np.median(track.eye_distances))
    return {
        "num_face_tracks": num_tracks,
        "face_seen_share": round(len(track.boxes) / num_frames, 6),
        "eye_distance_pixels": round(eye_distance, 3),
        "eye_distance_share": round(eye_distance / width_pixels, 6),
    }


def _tag(tags: Mapping[str, str], name: str) -> str | None:
    # Matroska writes ENCODER where MP4 writes encoder.
    return next((text for key, text in tags.items() if key.lower() == name), None)


def _known(record: Mapping[str, str | int | float | None]) -> Facts:
    return {key: value for key, value in record.items() if value is not None}
