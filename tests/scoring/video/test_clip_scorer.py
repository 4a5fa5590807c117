"""Scores and offsets of clips, by a model that knows which sound belongs to which frame."""

import jax.numpy as jnp
import numpy as np
import pytest

from avsync.scoring import OffsetRun
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.clip_scorer import ClipScorer
from avsync.scoring.video.joint_scores import JointScores
from avsync.scoring.video.long_clip import LongClip
from avsync.scoring.video.reference import Reference
from avsync.units import SAMPLES_PER_FRAME

REACH = 7

# Clips of 40 frames, and an offset is certain with 30 nats for so many.
CALIBRATION = {
    **{"dataset": "numbers", "split": "val", "trim": "none", "num_frames": 40},
    **{"frame": "nll", "pooling": "mean", "scores": [1.0] * 19},
    "verdict": {
        **{"frame": "nll", "pooling": "mean", "is_speech_only": True, "scores": [1.0] * 19},
        **{"unrelated_nats": [30.0] * 19, "mouths": None, "voices": None},
    },
}
REFERENCE = Reference(CALIBRATION, false_alarm_rate=0.05)


def encode(params, visual, audio, valid):
    """The number in the pixels of each frame, and the number in its sound."""
    del params
    sound = audio.reshape(*valid.shape, SAMPLES_PER_FRAME)[..., 0]
    return visual[..., 0, 0, 0].astype(jnp.float32), sound.astype(jnp.float32)


def align(params, visual, audio, valid):
    """`scale` where the two numbers agree, 0 elsewhere, about minus infinity beyond the clip."""
    time = valid.shape[1]
    index = jnp.arange(time)[:, None] + jnp.arange(-REACH, REACH + 1)
    is_there = (index >= 0) & (index < valid.sum(axis=1))
    same = visual[:, :, None] == audio[:, jnp.clip(index, 0, time - 1)]
    return jnp.where(is_there, params["scale"] * same, -1e9)


@pytest.fixture(scope="module")
def clip_scorer() -> ClipScorer:
    params = {"scale": np.float32(4)}
    rules = {"frame_score": "nll", "pooling": "mean"}
    return ClipScorer(Scorer(params, encode, align, REACH, **rules), REFERENCE)


def clip(*, late: int = 0, num_frames: int = 60, seed: int = 0) -> LongClip:
    """Random numbers in pixels and sound; the sound is `late` frames late."""
    numbers = (
        np.random.default_rng(seed).permutation(250)[: num_frames + 2 * REACH].astype(np.int16)
    )
    frames = numbers[REACH : REACH + num_frames].astype(np.uint8)[:, None, None, None]
    sound = numbers[REACH - late : REACH - late + num_frames]
    return LongClip(
        num_frames, lambda first, end: frames[first:end], np.repeat(sound, SAMPLES_PER_FRAME)
    )


def half_late(num_frames_late: int) -> LongClip:
    """60 frames; video frames are dropped in the middle, so the sound is late after it."""
    whole = clip(num_frames=60 + num_frames_late)
    frames = np.concatenate([whole.read(0, 30), whole.read(30 + num_frames_late, whole.num_frames)])
    return LongClip(
        60, lambda first, end: frames[first:end], whole.waveform[: 60 * SAMPLES_PER_FRAME]
    )


def test_each_pass_through_the_model_is_a_stage_of_the_progress(clip_scorer):
    calls = []

    def on_progress(*call: str | int) -> None:
        calls.append(call)

    late = clip(late=3, num_frames=120)
    heard = clip_scorer.hear(late, on_progress=on_progress)
    clip_scorer.score([late], heard=[heard], on_progress=on_progress)
    assert calls == [
        ("model", 120, 120),
        *[("pieces", done, 120) for done in (40, 80, 120)],
        ("realigned", 117, 117),
        *[("pieces", done, 117) for done in (39, 78, 117)],
    ]


def score(clip_scorer: ClipScorer, *clips: LongClip) -> JointScores:
    return clip_scorer.score(clips, heard=[clip_scorer.hear(clip) for clip in clips])


def numbers(runs: list[list[OffsetRun]]) -> list[list[tuple[int, int, int]]]:
    """First frame, end and offset of each run, without the exact offset."""
    return [[run[:3] for run in own] for own in runs]


def test_a_clip_in_sync_has_a_low_score_and_no_offset(clip_scorer):
    scores = score(clip_scorer, clip())
    assert (scores.best.frames, scores.is_certain) == (0, True)
    assert scores.score == pytest.approx(np.log(1 + 14 * np.exp(-4)), abs=0.05)
    assert scores.score_realigned == scores.score


@pytest.mark.parametrize("late", [-5, 3, 5])
def test_a_clip_out_of_sync_scores_high_as_it_is_and_low_after_realignment(clip_scorer, late):
    scores, in_sync = score(clip_scorer, clip(late=late)), score(clip_scorer, clip())
    assert (scores.best.frames, scores.is_certain) == (late, True)
    assert scores.score > 3
    assert scores.score_realigned == pytest.approx(in_sync.score, abs=0.05)
    assert numbers(scores.offsets) == [[(0, 60, late)]]
    assert scores.best.nats > 80
    assert np.isfinite(scores.frame_scores[0]).all()
    realigned = scores.frame_scores_realigned[0]
    assert np.isnan(realigned).sum() == abs(late)
    assert np.isnan(realigned[0]) == (late < 0)


def test_clips_together_have_a_joint_offset_and_each_its_own(clip_scorer):
    long, short = clip(late=2, num_frames=120), clip(late=-4, num_frames=40, seed=1)
    scores = score(clip_scorer, long, short)
    assert scores.best.frames == 2
    assert [[run.offset_frames for run in own] for own in scores.offsets] == [[2], [-4]]


def test_a_clip_that_goes_out_of_sync_is_realigned_half_by_half(clip_scorer):
    scores, in_sync = score(clip_scorer, half_late(6)), score(clip_scorer, clip())
    ((first, second),) = scores.offsets
    assert (first.offset_frames, second.offset_frames) == (0, 6)
    assert first.end == second.first == pytest.approx(30, abs=1)
    assert scores.score > 1
    assert scores.score_realigned == pytest.approx(in_sync.score, abs=0.1)
    # At the end of the clip, where the sound has ended.
    assert np.isnan(scores.frame_scores_realigned[0]).sum() == 6


def test_sound_of_another_clip_has_no_certain_offset(clip_scorer):
    video, sound = clip(num_frames=200), clip(num_frames=200, seed=1)
    scores = score(clip_scorer, video._replace(waveform=sound.waveform))
    assert not scores.is_certain
    assert scores.best.nats < 20


def test_an_offset_of_part_of_a_clip_is_not_that_of_the_rest_that_fits_nowhere(clip_scorer):
    fits, unrelated = clip(num_frames=100), clip(num_frames=100, seed=1)
    sound = np.concatenate([fits.waveform[: 50 * 640], unrelated.waveform[50 * 640 :]])
    scores = score(clip_scorer, fits._replace(waveform=sound))
    assert numbers(scores.offsets) == [[(0, 100, 0)]]
    assert scores.is_certain


def test_the_score_of_clips_together_pools_all_their_frames(clip_scorer):
    parts = [clip(), clip(late=3, num_frames=30, seed=1)]
    alone = [score(clip_scorer, part) for part in parts]
    together = score(clip_scorer, *parts)
    assert together.score == pytest.approx((60 * alone[0].score + 30 * alone[1].score) / 90)


def test_a_clip_too_short_after_realignment_has_no_realigned_scores(clip_scorer):
    scores = score(clip_scorer, clip(late=4, num_frames=28))
    assert scores.best.frames == 4
    assert scores.score_realigned is None
    assert scores.pieces_realigned == []
    assert np.isnan(scores.frame_scores_realigned[0]).all()


def test_the_pieces_of_a_long_clip_are_scored_as_clips_of_their_own(clip_scorer):
    long = clip(num_frames=120)
    scores = score(clip_scorer, long, clip(num_frames=50, seed=1))
    alone = [score(clip_scorer, piece.clip).score for piece in long.pieces(40)]
    assert [piece.score for piece in scores.pieces[:3]] == pytest.approx(alone)
    places = [(piece.clip, piece.first, piece.end) for piece in scores.pieces]
    assert places == [(0, 0, 40), (0, 40, 80), (0, 80, 120), (1, 0, 50)]
    assert scores.pieces_realigned == scores.pieces


def test_pieces_after_realignment_lie_where_their_frames_are_in_the_file(clip_scorer):
    scores = score(clip_scorer, clip(late=-5, num_frames=120))
    places = [(piece.first, piece.end) for piece in scores.pieces_realigned]
    assert places == [(5, 43), (43, 81), (81, 120)]


def test_only_frames_that_count_have_a_score_and_only_pieces_with_enough_of_them(clip_scorer):
    counts = np.arange(120) >= 75
    long = clip(num_frames=120)
    whole, part = score(clip_scorer, long), score(clip_scorer, long._replace(counts=counts))
    (frame_scores,) = part.frame_scores
    assert np.isnan(frame_scores).tolist() == (~counts).tolist()
    np.testing.assert_allclose(frame_scores[counts], whole.frame_scores[0][counts], atol=1e-5)
    assert part.score == pytest.approx(whole.frame_scores[0][counts].mean(), abs=1e-5)
    # The second piece has 5 frames that count.
    assert [(piece.first, piece.end) for piece in part.pieces] == [(80, 120)]
