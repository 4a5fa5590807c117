"""Lines of clips that are judged and of those that are not."""

import jax.numpy as jnp
import numpy as np

from avsync.evaluation.embed import score_views
from avsync.evaluation.views import Views
from avsync.input_pipeline.batching import batched
from avsync.scoring.scorer import Scorer
from avsync.types import ClipInfo, WholeClip


def encode(params, visual, audio, valid):
    """Two embeddings that are alike."""
    del audio
    embedding = params["scale"] * visual[..., 0, 0].astype(jnp.float32) * valid[..., None]
    return embedding, embedding


def align(params, visual, audio, valid):
    """Every frame fits in sync."""
    del params, audio, valid
    return jnp.stack([-visual[..., 0], visual[..., 0], -visual[..., 0]], axis=-1)


def clip(name: str, num_frames: int, *, silent_seconds: float = 0.0) -> WholeClip:
    info = ClipInfo(name, 0, "RV-RA", num_frames=num_frames, leading_silence_seconds=silent_seconds)
    visual = np.full((num_frames, 4, 4, 1), 3, np.uint8)
    return WholeClip(info, visual, np.zeros(num_frames * 640, np.int16))


def test_clips_too_short_or_silent_have_a_status_with_its_reason():
    clips = [clip("long", 40), clip("short", 20), clip("silent", 40, silent_seconds=1.6)]
    views = Views("x", "test", {"original": batched(clips, batch_size=3)}, 3, None)
    scorer = Scorer(
        {"scale": np.float32(1)}, encode, align, reach_frames=1, frame_score="nll", pooling="mean"
    )
    lines, _ = score_views(views, scorer, others={})
    found = {line["clip_id"]: (line["status"], line["message"]) for line in lines}
    assert found == {
        "long": ("ok", ""),
        "short": (
            "too_short",
            "0.80 s are left once leading silence is trimmed; at least 1.00 s are needed",
        ),
        "silent": ("all_silent", "no sound is left once leading silence is trimmed"),
    }
    # What the model makes of them is there all the same, to compare with others' numbers.
    assert all(np.isfinite(line["scores"]["alignment"]) for line in lines)
