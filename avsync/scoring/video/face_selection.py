"""Selects the faces of a video that can be scored, and the speakers among them."""

from collections.abc import Sequence
from typing import NamedTuple

from avsync.media.tracks import MIN_SEEN_SHARE, MIN_TRACK_FRAMES, STILL, MouthTrack
from avsync.scoring import Abstention
from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES


class FaceSelection(NamedTuple):
    """The faces of a video by role.

    talking: the speakers, in the order of choice; no two are visible together for long.
    others: faces visible while somebody else talks.
    unusable: faces that cannot be scored, each with its reason.
    """

    talking: list[MouthTrack]
    others: list[MouthTrack]
    unusable: list[tuple[MouthTrack, Abstention]]


def select_faces(tracks: Sequence[MouthTrack]) -> FaceSelection:
    """Sorts the faces; tracks seen for less than half a second are dropped as false detections.

    Among faces visible together, the one whose mouth moves most is the speaker. Faces less than
    half as long as the longest do not compete: a mouth seen briefly or from afar seems to move by
    the error of its landmarks alone.
    """
    long_enough = [track for track in tracks if len(track.boxes) >= MIN_TRACK_FRAMES]
    unusable = [(track, reason) for track in long_enough if (reason := _why_unusable(track))]
    left = [track for track in long_enough if not _why_unusable(track)]
    talking: list[MouthTrack] = []
    others: list[MouthTrack] = []
    while left:
        longest = max(len(track.boxes) for track in left)
        candidates = [track for track in left if 2 * len(track.boxes) >= longest]
        speaker = max(candidates, key=lambda track: track.mouth_motion)
        talking.append(speaker)
        left.remove(speaker)
        others += [track for track in left if _are_together(track, speaker)]
        left = [track for track in left if not _are_together(track, speaker)]
    return FaceSelection(talking, others, unusable)


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


def _are_together(one: MouthTrack, other: MouthTrack) -> bool:
    """True if they share more than half of the time of the shorter one."""
    shared = min(one.last_seen, other.last_seen) - max(one.first, other.first) + 1
    return 2 * shared > min(len(one.places), len(other.places))
