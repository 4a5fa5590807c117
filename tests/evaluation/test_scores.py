"""The lines that evaluation makes of clips, judged or not."""

import jax.numpy as jnp
import numpy as np
import pytest

from avsync.evaluation.scores import score_views
from avsync.evaluation.views import Views
from avsync.input_pipeline.batching import batched
from avsync.scoring.scorer import Scorer
from avsync.types import ClipInfo, WholeClip


def encode(params, visual, audio, valid):
    """Two equal embeddings."""
    del audio
    embedding = params["scale"] * visual[..., 0, 0].astype(jnp.float32) * valid[..., None]
    return embedding, embedding


def align(params, visual, audio, valid):
    """Every frame prefers its own offset."""
    del params, audio, valid
    return jnp.stack([-visual[..., 0], visual[..., 0], -visual[..., 0]], axis=-1)


def clip(name: str, num_frames: int, *, silent_seconds: float = 0.0) -> WholeClip:
    info = ClipInfo(name, 0, "RV-RA", num_frames=num_frames, leading_silence_seconds=silent_seconds)
    visual = np.full((num_frames, 4, 4, 1), 3, np.uint8)
    return WholeClip(info, visual, np.zeros(num_frames * 640, np.int16))


def test_clips_too_short_or_silent_have_a_status_and_keep_their_scores():
    clips = [clip("long", 40), clip("short", 20), clip("silent", 40, silent_seconds=1.6)]
    views = Views("x", "test", {"original": batched(clips, batch_size=3)}, 3, None)
    scorer = Scorer(
        {"scale": np.float32(1)}, encode, align, reach_frames=1, frame_score="nll", pooling="mean"
    )
    lines, frame_scores = score_views(views, scorer, others={})
    assert {line.clip_id: line.status for line in lines} == {
        "long": "ok",
        "short": "too_short",
        "silent": "all_silent",
    }
    assert [bool(line.message) for line in lines] == [False, True, True]
    # What the model gave them is kept in the file, but is no score of theirs.
    assert all(line.scores["alignment"] is not None for line in lines)
    assert [line.score("alignment") is not None for line in lines] == [True, False, False]
    assert [len(scores) for scores in frame_scores] == [40, 20, 40]
    assert lines[0].scores["duration"] == 40 / 25
    assert lines[2].scores["leading_silence"] == 1.6


def test_another_checkpoint_cannot_replace_a_score_of_every_evaluation():
    scorer = Scorer({}, encode, align, reach_frames=1, frame_score="nll", pooling="mean")
    views = Views("x", "test", {"original": batched([clip("a", 40)], batch_size=1)}, 1, None)
    for name in ("alignment", "alignment_logit", "duration"):
        with pytest.raises(ValueError, match=f"'{name}' is a score of every evaluation"):
            score_views(views, scorer, others={name: scorer})
