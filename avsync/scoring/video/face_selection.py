"""The faces of a video that can be scored, and why others cannot."""

from collections.abc import Sequence
from typing import NamedTuple

from avsync.media.tracks import MIN_SEEN_SHARE, MIN_TRACK_FRAMES, STILL, MouthTrack
from avsync.scoring import Abstention
from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES


class FaceSelection(NamedTuple):
    """The faces of a video; unusable ones each with the reason."""

    usable: list[MouthTrack]
    unusable: list[tuple[MouthTrack, Abstention]]


def select_faces(tracks: Sequence[MouthTrack]) -> FaceSelection:
    """Sorts the faces; tracks seen for less than half a second are dropped as false detections."""
    long_enough = [track for track in tracks if len(track.boxes) >= MIN_TRACK_FRAMES]
    unusable = [(track, reason) for track in long_enough if (reason := _why_unusable(track))]
    usable = [track for track in long_enough if not _why_unusable(track)]
    return FaceSelection(usable, unusable)


def _why_unusable(track: MouthTrack) -> Abstention | None:
    if len(track.places) < MIN_FRAMES:
        return Abstention(
            "scene_cut" if track.meets_cut else "too_short",
            f"the face is visible for {len(track.places) / FRAMES_PER_SECOND:.2f} s"
            f"{', up to a scene cut' if track.meets_cut else ''}; at least "
            f"{MIN_FRAMES / FRAMES_PER_SECOND:.2f} s are needed",
        )
    if track.seen_share < MIN_SEEN_SHARE:
        return Abstention(
            "face_lost",
            f"the face is detected in {track.seen_share:.0%} of its frames; at least "
            f"{MIN_SEEN_SHARE:.0%} are needed",
        )
    if track.is_still:
        return Abstention("still_picture", STILL)
    return None
