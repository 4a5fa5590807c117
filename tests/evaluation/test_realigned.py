"""Clips of a corpus with late sound: scored as they are, and as if their sound were in sync."""

import jax.numpy as jnp
import numpy as np
import pytest

from avsync.evaluation import realigned
from avsync.evaluation.scores import AS_STORED, make_score_views
from avsync.evaluation.views import Views
from avsync.input_pipeline.batching import batched
from avsync.scoring.scorer import Scorer
from avsync.types import ClipInfo, WholeClip

NUM_FRAMES, LATE, REACH = 30, 2, 8


def encode(params, visual, audio, valid):
    """The grey level of each frame, and the level of its sound."""
    del params, valid
    return visual[:, :, 0, 0].astype(jnp.float32), audio[:, ::640, None].astype(jnp.float32)


def align(params, visual, audio, valid):
    """A frame fits the sound of its own level."""
    time = jnp.arange(visual.shape[1])[:, None] + jnp.arange(-REACH, REACH + 1)
    inside = (time >= 0) & (time < valid.sum(axis=1)[:, None, None])
    heard = audio[:, jnp.clip(time, 0, audio.shape[1] - 1), 0]
    return jnp.where(inside, -params["scale"] * jnp.abs(heard - visual), -1e9)


SCORER = Scorer(
    {"scale": np.float32(10)}, encode, align, reach_frames=REACH, frame_score="nll", pooling="mean"
)


@pytest.fixture(scope="module")
def score_views():
    return make_score_views(SCORER, others={})


def clip(number: int, late: int) -> WholeClip:
    """Frame t has a random level, which its sound has `late` frames later."""
    levels = np.random.default_rng(number).permutation(100)[: NUM_FRAMES + 2 * REACH]
    shown = levels[REACH : REACH + NUM_FRAMES].astype(np.uint8)
    heard = levels[REACH - late : REACH - late + NUM_FRAMES].astype(np.int16)
    info = ClipInfo(f"clip{number}", 0, "RV-RA", num_frames=NUM_FRAMES)
    visual = np.tile(shown[:, None, None, None], (1, 2, 2, 1))
    return WholeClip(info, visual, np.repeat(heard, 640))


def moved(whole: WholeClip, late: int) -> WholeClip:
    num_left = len(whole.visual) - late
    info = whole.info._replace(num_frames=num_left)
    return WholeClip(info, whole.visual[:num_left], whole.audio[640 * late :])


def opener(clips: list[WholeClip]):
    def open_views(late_frames: int) -> Views:
        kept = [moved(whole, late_frames) for whole in clips]
        return Views("late", "test", {"trimmed": batched(kept, batch_size=8)}, len(kept), None)

    return open_views


def test_a_corpus_with_late_sound_scores_like_one_in_sync(score_views):
    late = opener([clip(i, LATE) for i in range(24)])
    found = realigned.score(late, SCORER, score_views, realigns="corpus")
    assert found.realigned_frames == LATE
    # Offsets are those of the stored clips.
    assert {line.offset_frames for line in found.lines} == {LATE}
    in_sync = opener([moved(clip(i, LATE), LATE) for i in range(24)])
    expected = realigned.score(in_sync, SCORER, score_views, realigns="corpus")
    assert expected.realigned_frames == 0
    for line, other in zip(found.lines, expected.lines, strict=True):
        assert line.scores["alignment"] == other.scores["alignment"]
        assert (line.scores["alignment"] or 0) < 0.01
        assert (line.scores[AS_STORED] or 0) > 1
        assert AS_STORED not in other.scores
    assert found.frame_scores == expected.frame_scores


def test_nothing_is_moved_if_the_user_says_so_or_the_offset_is_not_sure(score_views):
    late = opener([clip(i, LATE) for i in range(24)])
    found = realigned.score(late, SCORER, score_views, realigns="none")
    assert (found.realigned_frames, found.lines[0].offset_frames) == (0, LATE)
    few = opener([clip(i, LATE) for i in range(8)])
    assert realigned.score(few, SCORER, score_views, realigns="corpus").realigned_frames == 0
    # Few clips are moved as those of a calibration on the same dataset were.
    known = realigned.score(few, SCORER, score_views, realigns="corpus", known_frames=LATE)
    assert known.realigned_frames == LATE
