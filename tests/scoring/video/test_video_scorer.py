"""A real file from end to end: it gets the score that evaluation gives its clip."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build, checkpoint, scoring
from avsync.input_pipeline.batching import padded
from avsync.media.landmarks.base import load_detector
from avsync.media.reading import DirectReader
from avsync.pp import silence
from avsync.preparation.clips import prepare_clip
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.video_scorer import VideoScorer
from avsync.types import Clip, ClipInfo, MediaFile, WholeClip
from tests.scoring.video.checkpoints import write_untrained


def evaluated(clip: Clip, scorer: Scorer) -> float:
    """The score of a clip by the steps of evaluation."""
    kept = silence.kept_frames(clip.waveform, name="leading")
    info = ClipInfo(clip.clip_id, 0, "RV-RA", num_frames=len(kept))
    visual = clip.frames[kept.start : kept.stop, 4:92, 4:92]
    whole = WholeClip(info, visual, clip.waveform[kept.start * 640 : kept.stop * 640])
    batch = padded([whole], num_rows=1).batch
    logits = jax.jit(scorer.apply)(scorer.params, batch.visual, batch.audio, batch.valid)
    frames = scoring.frame_scores(logits, name=scorer.frame_score)
    valid = jnp.asarray(batch.valid)
    return float(scoring.clip_score(frames, valid, pooling=scorer.pooling)[0])


@pytest.mark.grid
def test_a_file_gets_the_score_that_evaluation_gives_its_clip(testdata, tmp_path):
    workdir, detector = write_untrained(tmp_path), load_detector("trees68")
    path = testdata / "grid_s1" / "video" / "bbaf3s.mkv"
    scorer = build.load_scorer(workdir, 0, extraction=None)
    reference = Reference(checkpoint.read_calibration(workdir, 0), false_alarm_rate=0.05)
    # Rules that the calibration does not name are replaced by those that it names.
    other_rules = scorer._replace(frame_score="logit", pooling="mean")
    stages = []
    video_scorer = VideoScorer(other_rules, reference, reader=DirectReader(detector))
    result = video_scorer.score(path, on_progress=lambda *stage: stages.append(stage))
    clip = prepare_clip(MediaFile("clip", path), detector=detector)
    assert result.score == pytest.approx(evaluated(clip, scorer), abs=1e-4)
    assert result.timeline is not None
    (track,) = result.timeline.tracks
    trimmed = silence.kept_frames(clip.waveform, name="leading")
    num_frames = len(clip.frames)
    assert stages[:4] == [
        ("faces", 25, num_frames),
        ("faces", 50, num_frames),
        ("faces", num_frames, num_frames),
        ("model", len(trimmed), len(trimmed)),
    ]
    assert {stage for stage, _, _ in stages[4:]} <= {"pieces", "realigned"}
    assert track.start == pytest.approx(trimmed.start / 25)
    assert result.frame_times.tolist() == pytest.approx([t / 25 for t in trimmed])
    assert result.frame_scores.shape == result.frame_times.shape
    moment = result.timeline.moments[0]
    shown = clip.frames[round(moment.seconds * 25), ..., 0]
    np.testing.assert_array_equal(moment.crop, shown)
