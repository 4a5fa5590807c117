"""Faces so small that the crop of the mouth is enlarged from a handful of pixels."""

from collections.abc import Iterable, Iterator

from avsync.input_pipeline.contents import ClipFacts
from avsync.input_pipeline.gates.findings import DROP, Finding

FACT = "eye_distance_pixels"  # of avsync.media.probe


def judge(clips: Iterable[ClipFacts], *, min_eye_distance_pixels: float) -> Iterator[Finding]:
    """The clips, reals and fakes, whose eyes are less than that apart in the raw video.

    ValueError for a clip of which that is not known.
    """
    for number, clip in enumerate(clips):
        if FACT not in clip.media:
            raise ValueError(
                f"config.data.gates.min_eye_distance_pixels is {min_eye_distance_pixels}, and clip "
                f"{clip.clip_id} does not tell how large its face was in the raw video; only clips "
                "that avsync-prepare made of videos do. Set it to 0."
            )
        if clip.media[FACT] < min_eye_distance_pixels:
            reason = f"its eyes are {clip.media[FACT]:.1f} pixels apart in the raw video"
            yield Finding(number, clip.clip_id, gate="faces", action=DROP, reason=reason)
