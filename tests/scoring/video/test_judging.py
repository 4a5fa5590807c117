"""Scores and offsets of clips, by a model that knows which sound belongs to which picture."""

import jax.numpy as jnp
import numpy as np
import pytest

from avsync.scoring import OffsetStretch
from avsync.scoring.scorer import Scorer
from avsync.scoring.video.judging import Judge
from avsync.scoring.video.windows import LongClip
from avsync.units import SAMPLES_PER_FRAME

REACH = 7


def encode(params, visual, audio, valid):
    """The number that a frame shows, and the one that its sound says."""
    del params
    sound = audio.reshape(*valid.shape, SAMPLES_PER_FRAME)[..., 0]
    return visual[..., 0, 0, 0].astype(jnp.float32), sound.astype(jnp.float32)


def align(params, visual, audio, valid):
    """4 where they are the same number, 0 elsewhere, and next to nothing beyond the clip."""
    time = valid.shape[1]
    index = jnp.arange(time)[:, None] + jnp.arange(-REACH, REACH + 1)
    is_there = (index >= 0) & (index < valid.sum(axis=1))
    same = visual[:, :, None] == audio[:, jnp.clip(index, 0, time - 1)]
    return jnp.where(is_there, params["scale"] * same, -1e9)


@pytest.fixture(scope="module")
def judge() -> Judge:
    params = {"scale": np.float32(4)}
    return Judge(
        Scorer(params, encode, align, REACH, frame_score="nll", pooling="mean"), piece_frames=40
    )


def clip(*, late: int = 0, num_frames: int = 60, seed: int = 0) -> LongClip:
    """Random numbers, shown and said; the sound comes `late` frames late."""
    said = np.random.default_rng(seed).permutation(250)[: num_frames + 2 * REACH].astype(np.int16)
    frames = said[REACH : REACH + num_frames].astype(np.uint8)[:, None, None, None]
    heard = said[REACH - late : REACH - late + num_frames]
    return LongClip(
        num_frames, lambda first, end: frames[first:end], np.repeat(heard, SAMPLES_PER_FRAME)
    )


def half_late(num_frames_late: int) -> LongClip:
    """60 frames; from the middle on the sound comes late, because pictures are gone."""
    whole = clip(num_frames=60 + num_frames_late)
    shown = np.concatenate([whole.read(0, 30), whole.read(30 + num_frames_late, whole.num_frames)])
    return LongClip(
        60, lambda first, end: shown[first:end], whole.waveform[: 60 * SAMPLES_PER_FRAME]
    )


def judged(judge: Judge, *clips: LongClip):
    return judge.judge(clips, logits=[judge.logits(clip) for clip in clips])


def test_a_clip_in_sync_has_a_low_score_and_no_offset(judge):
    found = judged(judge, clip())
    assert found.offset_frames == 0
    assert found.score == pytest.approx(np.log(1 + 14 * np.exp(-4)), abs=0.05)
    assert found.score_resynced == found.score


@pytest.mark.parametrize("late", [-5, 3, 5])
def test_a_clip_out_of_sync_is_bad_as_it_is_and_good_where_its_offset_is_undone(judge, late):
    found, in_sync = judged(judge, clip(late=late)), judged(judge, clip())
    assert found.offset_frames == late
    assert found.score > 3
    assert found.score_resynced == pytest.approx(in_sync.score, abs=0.05)
    assert found.offsets == [[OffsetStretch(0, 60, late)]]
    assert found.offset_evidence > 2
    assert found.offset_gain > 100
    assert in_sync.offset_gain == 0
    assert np.isfinite(found.frame_scores[0]).all()
    scores = found.frame_scores_resynced[0]
    assert np.isnan(scores).sum() == abs(late)
    assert np.isnan(scores[0]) == (late < 0)


def test_clips_together_have_a_common_offset_and_each_its_own(judge):
    long, short = clip(late=2, num_frames=120), clip(late=-4, num_frames=40, seed=1)
    found = judged(judge, long, short)
    assert found.offset_frames == 2
    assert [[stretch.offset_frames for stretch in own] for own in found.offsets] == [[2], [-4]]


def test_a_clip_that_falls_out_of_sync_on_the_way_is_good_with_each_half_moved_by_its_own_offset(
    judge,
):
    found, in_sync = judged(judge, half_late(6)), judged(judge, clip())
    ((first, second),) = found.offsets
    assert (first.offset_frames, second.offset_frames) == (0, 6)
    assert first.end == second.first == pytest.approx(30, abs=1)
    assert found.score > 1
    assert found.score_resynced == pytest.approx(in_sync.score, abs=0.1)
    # At the end, where the sound has ended.
    assert np.isnan(found.frame_scores_resynced[0]).sum() == 6


def test_sound_that_belongs_to_no_picture_fits_nowhere_better_than_by_chance(judge):
    picture, sound = clip(num_frames=200), clip(num_frames=200, seed=1)
    found = judged(judge, picture._replace(waveform=sound.waveform))
    assert found.offset_evidence < 0.2 < judged(judge, clip()).offset_evidence


def test_the_score_of_clips_together_is_that_of_all_their_frames(judge):
    parts = [clip(), clip(late=3, num_frames=30, seed=1)]
    alone = [judged(judge, part) for part in parts]
    together = judged(judge, *parts)
    assert together.score == pytest.approx((60 * alone[0].score + 30 * alone[1].score) / 90)


def test_frames_of_a_clip_that_is_lost_to_the_offset_have_no_score(judge):
    found = judged(judge, clip(late=4, num_frames=28))
    assert found.offset_frames == 4
    assert found.score_resynced is None
    assert found.piece_scores_resynced == []
    assert np.isnan(found.frame_scores_resynced[0]).all()


def test_a_long_clip_is_judged_in_pieces_as_clips_of_their_own(judge):
    long = clip(num_frames=120)
    found = judged(judge, long, clip(num_frames=50, seed=1))
    pieces = [judged(judge, piece).score for piece in long.pieces(40)]
    assert len(found.piece_scores) == 4
    assert found.piece_scores[:3] == pytest.approx(pieces)
    assert found.piece_scores_resynced == found.piece_scores
