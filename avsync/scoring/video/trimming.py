"""The clip of one face, trimmed by the rule that trimmed the calibration clips.

In NumPy: `avsync.pp.silence` holds the same rules for tf.data, and a test compares the two. Scoring
a file imports no TensorFlow, whose import would take three quarters of its start.
"""

from array import array
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int16

from avsync.media.footage import Footage
from avsync.media.tracks import MouthTrack
from avsync.scoring import Abstention, abstention, no_speech
from avsync.units import SAMPLES_PER_FRAME, SILENCE_LEVEL

# Less, with its margins, is one sound of 0.16 s, such as a cough.
MIN_SPEECH_FRAMES = 10

# The views of an evaluation, and so of a calibration, are trimmed by these rules alone.
RULES = ("leading", "none")


class TrimmedTrack(NamedTuple):
    """A face from frame `first` of the footage on; `places` locate its crops in the store."""

    first: int
    places: array
    waveform: Int16[np.ndarray, " s"]
    has_speech: Bool[np.ndarray, " t"]


def trim_track(
    track: MouthTrack, footage: Footage, *, rule: str, needs_speech: bool, late_frames: int = 0
) -> TrimmedTrack | Abstention:
    """The face and its sound, moved back by `late_frames` and trimmed by `rule`.

    Or why it cannot be scored. Leading silence counts from the frame that first shows the face.
    Without speech, the lips have nothing to fit; without `needs_speech`, for models of sounds that
    are none, all is speech.
    """
    # Sound that is early begins before the file does.
    num_skipped = max(0, -late_frames - track.first)
    first = track.first + num_skipped
    places = track.places[num_skipped:]
    # A face may be visible beyond the end of the sound.
    num_frames = len(footage.waveform) // SAMPLES_PER_FRAME - first - late_frames
    num_frames = max(0, min(len(places), num_frames))
    start = (first + late_frames) * SAMPLES_PER_FRAME
    waveform = footage.waveform[start : start + num_frames * SAMPLES_PER_FRAME]
    span = kept_frames(waveform, rule=rule)
    waveform = waveform[span.start * SAMPLES_PER_FRAME : span.stop * SAMPLES_PER_FRAME]
    if reason := abstention(len(span)) or no_speech(waveform):
        return reason
    # Speech is a matter of the sound, and moves with it.
    heard = first + late_frames + span.start
    has_speech = footage.has_speech[heard : heard + len(span)]
    if not needs_speech:
        has_speech = np.ones(len(span), bool)
    if has_speech.sum() < MIN_SPEECH_FRAMES:
        return Abstention("no_speech", "no speech is heard while the face is in view")
    return TrimmedTrack(
        first=first + span.start,
        places=places[span.start : span.stop],
        waveform=waveform,
        has_speech=has_speech,
    )


def kept_frames(waveform: Int16[np.ndarray, " s"], *, rule: str) -> range:
    """The video frames that `rule`, one of `RULES`, keeps of a clip with this sound.

    "leading" cuts `i // 640 + 1` frames for i > 0 leading silent samples and none for i = 0, as in
    Smeu et al. (CVPR 2025).
    """
    num_frames = len(waveform) // SAMPLES_PER_FRAME
    if rule == "none":
        return range(num_frames)
    # In int32: |-32768| does not fit in an int16. The appended True stands for "never".
    is_sound = np.append(np.abs(waveform.astype(np.int32)) > SILENCE_LEVEL, True)
    num_silent = int(is_sound.argmax())
    num_cut = num_silent // SAMPLES_PER_FRAME + 1 if num_silent else 0
    return range(min(num_cut, num_frames), num_frames)
