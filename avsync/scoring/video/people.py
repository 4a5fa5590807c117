"""Which of the faces of a film are scored, and which of them talk."""

from collections.abc import Sequence
from typing import NamedTuple

from avsync.media.tracks import MIN_SEEN_SHARE, MIN_TRACK_FRAMES, MouthTrack
from avsync.units import FRAMES_PER_SECOND, MIN_FRAMES


class People(NamedTuple):
    """The faces that can be scored, in the order of their importance; and why others cannot.

    talking: one at a time: the faces of one shot after the other.
    others: seen while somebody else talks.
    unfit: faces with (status, message).
    """

    talking: list[MouthTrack]
    others: list[MouthTrack]
    unfit: list[tuple[MouthTrack, str, str]]


def choose(tracks: Sequence[MouthTrack]) -> People:
    """Sorts the faces; those seen for less than half a second are left out as false alarms.

    Of faces that are seen at the same time the one whose mouth moves most talks, of those at least
    half as long as the longest: a mouth seen for a moment, or from afar, seems to move by the error
    of its landmarks alone.
    """
    counted = [track for track in tracks if len(track.boxes) >= MIN_TRACK_FRAMES]
    unfit = [(track, *reason) for track in counted if (reason := _unfit(track))]
    left = [track for track in counted if not _unfit(track)]
    talking: list[MouthTrack] = []
    others: list[MouthTrack] = []
    while left:
        longest = max(len(track.boxes) for track in left)
        long_ones = [track for track in left if 2 * len(track.boxes) >= longest]
        chosen = max(long_ones, key=lambda track: track.mouth_motion)
        talking.append(chosen)
        others += [track for track in left if track is not chosen and _beside(track, chosen)]
        left = [track for track in left if track is not chosen and not _beside(track, chosen)]
    return People(talking, others, unfit)


def _unfit(track: MouthTrack) -> tuple[str, str] | None:
    if len(track.places) < MIN_FRAMES:
        return "too_short", (
            f"the face is seen for {len(track.places) / FRAMES_PER_SECOND:.2f} s; at least "
            f"{MIN_FRAMES / FRAMES_PER_SECOND:.2f} s are needed"
        )
    if track.seen_share < MIN_SEEN_SHARE:
        return "face_lost", (
            f"the face is seen in {track.seen_share:.0%} of its frames; at least "
            f"{MIN_SEEN_SHARE:.0%} are needed"
        )
    return None


def _beside(one: MouthTrack, other: MouthTrack) -> bool:
    """Whether they share more than half of the time of the shorter one."""
    shared = min(one.last_seen, other.last_seen) - max(one.first, other.first) + 1
    return 2 * shared > min(len(one.places), len(other.places))
