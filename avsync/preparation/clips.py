"""One raw file to one clip: read, choose the talking face, crop its mouth in every frame."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int16, UInt8

from avsync.limits import DEFAULT_LIMITS, Limits
from avsync.media.container import require_sound
from avsync.media.crop_store import CropStore, open_store
from avsync.media.decode import (
    open_video,
)
from avsync.media.footage import Footage, read_footage
from avsync.media.landmarks.base import FaceDetector
from avsync.media.mouth_crop import SMOOTHING_FRAMES, crop_mouths
from avsync.media.probe import describe_face
from avsync.media.read_options import ReadOptions
from avsync.media.rejects import Reject
from avsync.media.remarks import MAX_LENGTH_DIFFERENCE_SECONDS
from avsync.media.tracks import (
    MIN_SEEN_SHARE,
    MIN_TRACK_FRAMES,
    STILL,
    MouthTrack,
    talking_track,
)
from avsync.types import Clip, MediaFile
from avsync.units import FRAMES_PER_SECOND, SAMPLES_PER_FRAME

# One thread, because a job runs one worker per core. A clip is one training example: a file with
# more than 1 GiB of grey frames (20 s at 1920 x 1080 pixels, 14 min at 224 x 224) is to be cut.
OPTIONS = ReadOptions(
    num_threads=1,
    max_bytes=2**30,
    max_length_difference_seconds=MAX_LENGTH_DIFFERENCE_SECONDS,
    max_lost_share=0.1,
)


def prepare_clip(
    media: MediaFile, *, detector: FaceDetector, limits: Limits = DEFAULT_LIMITS
) -> Clip:
    """Returns the clip made of the file; raises `Reject` with the reason if there is none.

    Of `limits`, length, frame size and share of losses apply.
    """
    options = _options(media, limits)
    with open_store() as store:
        footage = read_footage(media.path, detector, store=store, options=options)
        require_sound(footage.waveform)
        tracks = [track for track in footage.tracks if len(track.boxes) >= MIN_TRACK_FRAMES]
        num_frames = len(footage.waveform) // SAMPLES_PER_FRAME
        track = _require_talking_face(tracks, num_frames=num_frames)
        crops = _whole_clip(track, store, path=media.path, footage=footage, options=options)
    facts = footage.recording.facts
    face = describe_face(
        track,
        num_tracks=len(tracks),
        num_frames=num_frames,
        width_pixels=int(facts["width_pixels"]),
    )
    return labelled(crops, footage.waveform, file=media, measured=facts | face)


def _options(media: MediaFile, limits: Limits) -> ReadOptions:
    options = OPTIONS._replace(
        max_seconds=limits.max_seconds,
        max_pixels=limits.max_pixels,
        audio_track=media.audio_track,
        sound=media.sound,
    )
    return (
        options if limits.lost_share is None else options._replace(max_lost_share=limits.lost_share)
    )


def labelled(
    frames: UInt8[np.ndarray, "t 96 96 1"],
    waveform: Int16[np.ndarray, " s"],
    *,
    file: MediaFile,
    measured: Mapping[str, Any],
) -> Clip:
    """Returns the clip with the labels of `file`; fake segments move with the leading cut."""
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


def _require_talking_face(tracks: list[MouthTrack], *, num_frames: int) -> MouthTrack:
    if not tracks:
        raise Reject("no_face", f"no face is seen for at least {MIN_TRACK_FRAMES} frames")
    long_enough = [track for track in tracks if len(track.boxes) >= MIN_SEEN_SHARE * num_frames]
    if not long_enough:
        raise _too_short(tracks, num_frames=num_frames)
    usable = [track for track in long_enough if not track.is_still]
    if not usable:
        raise Reject("still_picture", STILL)
    return talking_track(usable)


def _too_short(tracks: list[MouthTrack], *, num_frames: int) -> Reject:
    """Why none of these faces is seen in enough frames: a cut, if with it they would be."""
    longest = max(len(track.boxes) for track in tracks)
    needed = f"{longest} of {num_frames} frames; at least {MIN_SEEN_SHARE:.0%} are needed"
    cut = [track for track in tracks if track.meets_cut]
    frames = {i for track in cut for i in range(track.first, track.last_seen + 1)}
    if len(frames) < MIN_SEEN_SHARE * num_frames:
        return Reject("face_lost", f"the face is seen in {needed}")
    return Reject("scene_cut", f"between scene cuts, no face is seen in more than {needed}")


def _whole_clip(
    track: MouthTrack,
    store: CropStore,
    *,
    path: Path,
    footage: Footage,
    options: ReadOptions,
) -> UInt8[np.ndarray, "t 96 96 1"]:
    """The crops of all frames of the clip; after the end of the track its last landmarks are used.

    The few clips that show the face later than the first frame, or not up to the last one, are
    read again: to keep all frames until a face appears would take unbounded memory.
    """
    crops = store.read(track.places)
    num_before = track.first
    num_after = len(footage.waveform) // SAMPLES_PER_FRAME - track.last_seen - 1
    if not num_before and not num_after:
        return crops
    with open_video(path, options) as video:
        frames = video.frames()
        landmarks = [track.head[0]] * num_before + track.head
        before = crop_mouths(islice(frames, num_before), np.stack(landmarks))
        # The alignment of a frame looks ahead, beyond the end of the track in its last frames.
        num_changed = SMOOTHING_FRAMES - 1 if num_after else 0
        unchanged = crops[: len(crops) - num_changed]
        landmarks = track.tail[1:] + [track.tail[-1]] * num_after
        later = islice(frames, len(unchanged), len(crops) + num_after)
        after = crop_mouths(later, np.stack(landmarks)) if num_after else crops[:0]
    return np.concatenate([before, unchanged, after])


def _after_cut(
    segments: tuple[tuple[float, float], ...], num_cut: int, *, num_frames: int
) -> tuple[tuple[float, float], ...]:
    """Segments in the time of the file, moved to that of the clip; those outside are dropped."""
    cut, length = num_cut / FRAMES_PER_SECOND, num_frames / FRAMES_PER_SECOND
    moved = ((max(0.0, start - cut), min(length, end - cut)) for start, end in segments)
    return tuple((start, end) for start, end in moved if start < end)
