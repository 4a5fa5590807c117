"""What the picture of a scored file shows over time."""

from collections.abc import Sequence

from avsync.media.crop_store import CropStore
from avsync.media.footage import Footage
from avsync.scoring import smoothed
from avsync.scoring.video.joint_scores import JointScores
from avsync.scoring.video.outcome import HeardTrack
from avsync.scoring.video.results import Moment, Timeline, TrackScores
from avsync.scoring.video.segments import worst_frames
from avsync.scoring.video.trimming import TrimmedTrack

NUM_MOMENTS = 4


def make_timeline(
    scores: JointScores,
    tracks: Sequence[HeardTrack],
    footage: Footage,
    store: CropStore,
    *,
    is_realigned: bool,
) -> Timeline:
    """The timeline of faces that were scored together, after realignment or as in the file."""
    by_track = scores.frame_scores_realigned if is_realigned else scores.frame_scores
    over_time = [
        TrackScores(track.start, frame_scores, track.heard.gains)
        for track, frame_scores in zip(tracks, by_track, strict=True)
    ]
    moments = [
        moment
        for track, scored in zip(tracks, over_time, strict=True)
        for moment in _moments(track.trimmed, scored, store)
    ]
    worst = sorted(moments, key=lambda moment: -moment.score)[:NUM_MOMENTS]
    return Timeline(
        waveform=footage.waveform,
        start_seconds=footage.start_seconds,
        tracks=over_time,
        moments=sorted(worst, key=lambda moment: moment.seconds),
        support=scores.support,
    )


def _moments(trimmed: TrimmedTrack, track: TrackScores, store: CropStore) -> list[Moment]:
    """The worst moments of a track."""
    means = smoothed(track.frame_scores)
    return [
        Moment(
            seconds=float(track.times[frame]),
            score=float(means[frame]),
            crop=store.read(trimmed.places[frame : frame + 1])[0, ..., 0],
        )
        for frame in worst_frames(track.frame_scores, number=NUM_MOMENTS)
    ]
