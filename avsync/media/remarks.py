"""What a reader of a score must know of its file, in sentences made of the file's facts."""

from avsync.media.probe import Facts

# Codec framing makes intact streams unequal: 1152 samples of mp2 at 16 kHz are 0.07 s, two priming
# blocks of AAC 0.13 s, a video frame or two 0.08 s.
MAX_LENGTH_DIFFERENCE_SECONDS = 0.2


def remarks(facts: Facts) -> list[str]:
    """Sentences about all that is unusual in a file; [] for most files."""
    return [text for text in (_length_difference(facts),) if text]


def _length_difference(facts: Facts) -> str:
    audio, video = float(facts["audio_seconds"]), float(facts["video_seconds"])
    if abs(audio - video) <= MAX_LENGTH_DIFFERENCE_SECONDS:
        return ""
    return f"{audio:.2f} s of audio for {video:.2f} s of video: only their common part is used"
