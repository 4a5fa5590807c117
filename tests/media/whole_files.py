"""Whole files and whole tracks in memory, which the results of the streaming code must equal."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int16, UInt8

from avsync.media.decode import open_video
from avsync.media.faces import detect_faces
from avsync.media.landmarks.base import FaceDetector
from avsync.media.probe import Facts
from avsync.media.read_options import ReadOptions
from avsync.media.remarks import MAX_LENGTH_DIFFERENCE_SECONDS
from avsync.media.tracks import MIN_TRACK_FRAMES, FaceLinker

STRICT = ReadOptions(max_length_difference_seconds=MAX_LENGTH_DIFFERENCE_SECONDS)


class WholeFile(NamedTuple):
    """All frames of a file that have sound, and their sound."""

    frames: UInt8[np.ndarray, "t h w"]
    waveform: Int16[np.ndarray, " s"]
    num_leading_frames_cut: int
    facts: Facts


def decode(path: Path, options: ReadOptions = STRICT) -> WholeFile:
    """The file as preparation reads it, but for the limit on its size."""
    with open_video(path, options) as video:
        frames = list(video.frames())
        recording = video.recording()
    return WholeFile(
        np.stack(frames), recording.waveform, recording.num_leading_frames_cut, recording.facts
    )


def landmarks_of_faces(
    frames: Iterable[UInt8[np.ndarray, "h w"]], detector: FaceDetector
) -> list[Float64[np.ndarray, "t 68 2"]]:
    """The landmarks of each face that is seen often enough to count, NaN where it is not seen."""
    seen = [frame for chunk in detect_faces(frames, detector) for frame in chunk]
    linker = FaceLinker()
    tracks: list[np.ndarray] = []
    for index, here in enumerate(seen):
        for number, face in zip(linker.link(index, here), here.faces, strict=True):
            if number == len(tracks):
                tracks.append(np.full((len(seen), 68, 2), np.nan))
            tracks[number][index] = face.landmarks
    return [track for track in tracks if len(seen_frames(track)) >= MIN_TRACK_FRAMES]


def seen_frames(landmarks: Float64[np.ndarray, "t 68 2"]) -> list[int]:
    """Indices of the frames in which the face is seen."""
    return np.flatnonzero(~np.isnan(landmarks[:, 0, 0])).tolist()
