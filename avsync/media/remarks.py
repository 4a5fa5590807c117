"""What a reader of a score must know of its file, in sentences made of the file's facts."""

from collections.abc import Iterator, Mapping

from avsync.media.probe import Facts

Numbers = Mapping[str, float]

# Shorter gaps are as common as dropped packets.
MIN_GAP_SECONDS = 1.0

# Codec framing makes intact streams unequal: 1152 samples of mp2 at 16 kHz are 0.07 s, two priming
# blocks of AAC 0.13 s, a video frame or two 0.08 s.
MAX_LENGTH_DIFFERENCE_SECONDS = 0.2

# Below this, most frames of the 25 fps grid are repeated.
LOW_FRAME_RATE = 15.0


def remarks(facts: Facts) -> list[str]:
    """Sentences about all that is unusual in a file; [] for most files.

    Clips that were prepared before a fact was known lack it, and have no sentence about it.
    """
    numbers = _numbers(facts)
    found = (
        _tracks(numbers),
        _channel(numbers),
        _loss(numbers),
        _gaps(numbers),
        _length_difference(numbers),
        _frame_rate(numbers),
        _size_changes(numbers),
    )
    return [text for texts in found for text in texts]


def losses(facts: Facts) -> list[str]:
    """Those of the sentences that tell what of a file is missing or damaged."""
    return list(_loss(_numbers(facts)))


def _numbers(facts: Facts) -> Numbers:
    return {name: float(value) for name, value in facts.items() if not isinstance(value, str)}


def _tracks(facts: Numbers) -> Iterator[str]:
    if (number := facts.get("num_audio_tracks", 1)) > 1:
        used = facts["audio_track_used"]
        yield f"{number:.0f} sound tracks: number {used:.0f} is used (--audio_track chooses)"
    if (number := facts.get("num_video_tracks", 1)) > 1:
        yield f"{number:.0f} video tracks: only the default one is used"


def _channel(facts: Numbers) -> Iterator[str]:
    if used := facts.get("audio_channel_used"):
        yield (
            f"audio channel {used:.0f} is used alone: the mean of all is far weaker (channels "
            "cancel each other, or the others are silent)"
        )


def _loss(facts: Numbers) -> Iterator[str]:
    if missing := facts.get("seconds_missing"):
        end = max(facts["video_seconds"], facts["audio_seconds"])
        yield f"the file is cut off: it ends at {end:.2f} of {end + missing:.2f} s"
    if facts.get("num_timestamp_restarts"):
        yield "the timestamps begin again in the file: only the part before is used"
    if lost := facts.get("num_frames_lost"):
        yield f"{lost:,.0f} video {_plural('frame', lost)} cannot be decoded"
    if damaged := facts.get("num_frames_damaged"):
        yield f"{damaged:,.0f} video {_plural('frame', damaged)} decoded with errors"
    if lost := facts.get("num_audio_packets_lost"):
        yield f"{lost:,.0f} audio {_plural('packet', lost)} cannot be decoded"
    if invalid := facts.get("num_invalid_samples"):
        samples = f"{invalid:,.0f} audio {_plural('sample', invalid)}"
        yield f"{samples} are no numbers, or far too large, and count as 0"


def _gaps(facts: Numbers) -> Iterator[str]:
    if (seconds := facts.get("filled_gap_seconds", 0)) > MIN_GAP_SECONDS:
        yield f"{seconds:.2f} s have no sound in the file and count as silence"
    if (seconds := facts.get("held_gap_seconds", 0)) > MIN_GAP_SECONDS:
        yield f"{seconds:.2f} s have no video frame: the picture stands there"


def _length_difference(facts: Numbers) -> Iterator[str]:
    audio, video = facts["audio_seconds"], facts["video_seconds"]
    if abs(audio - video) > MAX_LENGTH_DIFFERENCE_SECONDS:
        yield f"{audio:.2f} s of audio for {video:.2f} s of video: only their common part is used"


def _frame_rate(facts: Numbers) -> Iterator[str]:
    if 0 < (rate := facts.get("video_frames_per_second", 0)) < LOW_FRAME_RATE:
        yield (
            f"{rate:.3g} frames per second: each stands for several of the 25 that are scored, "
            "which alone can look like an edit or a mismatch"
        )


def _size_changes(facts: Numbers) -> Iterator[str]:
    if number := facts.get("num_size_changes"):
        times = "once" if number == 1 else f"{number:,.0f} times"
        yield f"the frame size changes {times}: frames of another size are scaled"


def _plural(noun: str, number: float) -> str:
    return noun if number == 1 else f"{noun}s"
