"""Who talks: of the faces in view, the one whose lips fit the speech, second by second."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from avsync.scoring.offset_gain import Gains, best_offset
from avsync.scoring.video.trimming import MIN_SPEECH_FRAMES
from avsync.units import FRAMES_PER_SECOND

# A second goes to the face whose lips gain most in it and in half a second on each side, if they
# gain this much. Of 150 pairs of GRID clips with the sound of one, no second with speech goes to
# the other face, and 99 % go to the right one; of 110 pairs of talkers whom the scorer never heard,
# 91 % go to the right one and 9 % to nobody.
MIN_NATS = 10.0
MARGIN_FRAMES = FRAMES_PER_SECOND // 2

NOBODY = -1


class Lips(NamedTuple):
    """A face that can be scored, from frame `first` of the file on.

    gains: see `avsync.scoring.offset_gain.candidate_gains`.
    has_speech: the frames with speech.
    motion: of its mouth; it decides where the lips of nobody fit.
    """

    first: int
    gains: Gains
    has_speech: Bool[np.ndarray, " t"]
    motion: float


class Talkers(NamedTuple):
    """Who talks when.

    by_second: the index of the face whose lips fit, for each second; `NOBODY` where there is no
      speech, or it fits nobody.
    own_frames: by face, the frames whose speech is its own.
    talking: the indices of the faces with at least `MIN_SPEECH_FRAMES` frames of their own; one at
      least, if there is a face.
    """

    by_second: Int[np.ndarray, " s"]
    own_frames: list[Bool[np.ndarray, " t"]]
    talking: list[int]


def find_talkers(faces: Sequence[Lips], *, num_frames: int) -> Talkers:
    """Who talks in a file of `num_frames` frames.

    A second of speech is that of the face whose lips fit. Where they fit nobody, it is that of the
    face in view which talks most otherwise: speech that was put into a mouth must count against it.
    If no lips fit at all, that is the face whose mouth moves most, as long as it is in view for at
    least half as long as the others: a mouth seen briefly or from afar seems to move by the error
    of its landmarks alone.
    """
    num_seconds = -(-num_frames // FRAMES_PER_SECOND)
    has_speech = np.zeros(num_seconds, bool)
    nats = np.full((len(faces), num_seconds), -np.inf)
    for index, face in enumerate(faces):
        seconds = _seconds(face)
        nats[index, np.unique(seconds)] = _nats_by_second(face)
        has_speech |= np.bincount(seconds, face.has_speech, minlength=num_seconds) > 0
    fits = (nats.max(axis=0, initial=-np.inf) >= MIN_NATS) & has_speech
    by_second = np.full(num_seconds, NOBODY)
    by_second[fits] = nats[:, fits].argmax(axis=0) if len(faces) else NOBODY
    owner = by_second.copy()
    for index in _least_likely_first(faces, by_second):
        others = np.isfinite(nats[index]) & (by_second == NOBODY)
        owner[others] = index
    own_frames = [
        face.has_speech & (owner[_seconds(face)] == index) for index, face in enumerate(faces)
    ]
    lengths = [int(own.sum()) for own in own_frames]
    enough = min(MIN_SPEECH_FRAMES, max(lengths, default=0))
    talking = [index for index, length in enumerate(lengths) if length >= enough]
    return Talkers(by_second, own_frames, talking)


def _least_likely_first(faces: Sequence[Lips], by_second: Int[np.ndarray, " s"]) -> list[int]:
    """The faces by how much they talk, then by the motion of their mouths."""
    longest = max((len(face.gains) for face in faces), default=0)
    keys = [
        (int((by_second == index).sum()), 2 * len(face.gains) >= longest, face.motion)
        for index, face in enumerate(faces)
    ]
    return sorted(range(len(faces)), key=keys.__getitem__)


def _seconds(face: Lips) -> Int[np.ndarray, " t"]:
    """The second of the file in which each of its frames lies."""
    return np.arange(face.first, face.first + len(face.gains)) // FRAMES_PER_SECOND


def _nats_by_second(face: Lips) -> Float[np.ndarray, " s"]:
    """What its lips gain around each second that it is in view for, at its own best offset."""
    column = best_offset(face.gains).frames + face.gains.shape[1] // 2
    total = np.concatenate([[0.0], np.cumsum(face.gains[:, column], dtype=float)])
    seconds = np.unique(_seconds(face))
    first = seconds * FRAMES_PER_SECOND - face.first - MARGIN_FRAMES
    end = first + FRAMES_PER_SECOND + 2 * MARGIN_FRAMES
    first, end = (np.clip(edge, 0, len(face.gains)) for edge in (first, end))
    return total[end] - total[first]
