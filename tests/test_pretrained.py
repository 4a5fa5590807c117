"""The scorer that is shipped with avsync."""

import jax
import jax.numpy as jnp
import numpy as np

import avsync
from avsync import build, checkpoint, pretrained, scoring
from avsync.units import SAMPLES_PER_FRAME

NUM_FRAMES = 40

# What the shipped scorer gave on these random clips when it was made.
GOLDEN = {
    "visual": [0.55740792, 3.1890147, -0.31706831],
    "audio": [-1.34613, -0.370868, 0.44968677],
    "logits": [1.2529477, -1.7966284, 0.54729217],
    "frame_scores": [1.7740848, 6.0581217, 0.13166916],
    "clip_scores": [11.872766, 12.47242],
}


def test_the_shipped_scorer_gives_the_same_scores_in_every_version():
    random = np.random.default_rng(7)
    visual = random.integers(0, 256, (2, NUM_FRAMES, 88, 88, 1), np.uint8)
    audio = random.integers(-9000, 9000, (2, NUM_FRAMES * SAMPLES_PER_FRAME)).astype(np.int16)
    valid = np.ones((2, NUM_FRAMES), bool)
    valid[1, 25:] = False
    scorer = build.load_scorer(*checkpoint.find(pretrained.GRID), extraction=None)
    embeddings = jax.jit(scorer.encode)(scorer.params, visual, audio, valid)
    logits = jax.jit(scorer.align)(scorer.params, *embeddings, valid)
    frames = scoring.frame_scores(logits, name=scorer.frame_score)
    scores = scoring.clip_score(frames, jnp.asarray(valid), pooling=scorer.pooling)
    found = {
        "visual": embeddings[0][0, 0, :3],
        "audio": embeddings[1][0, 0, :3],
        "logits": logits[0, 20, [0, 15, 30]],
        "frame_scores": frames[0, [0, 20, 39]],
        "clip_scores": scores,
    }
    for name in ("logits", "clip_scores"):
        np.testing.assert_allclose(found[name], GOLDEN[name], rtol=1e-5, err_msg=name)
    for name, golden in GOLDEN.items():
        # Single embeddings differ by up to 1.4e-5 between XLA's optimisation levels.
        np.testing.assert_allclose(found[name], golden, rtol=1e-5, atol=3e-5, err_msg=name)


def test_in_clips_of_one_second_late_and_early_sound_is_found(testdata):
    scorer = build.load_scorer(*checkpoint.find(pretrained.GRID), extraction=None)
    apply = jax.jit(scorer.apply)
    found = []
    for name in ("bbaf2n", "bbal8p", "bbbf8p"):
        clip = avsync.read_clip(testdata / "grid_s1" / "video" / f"{name}.mkv")
        visual = np.stack([clip.frames[25:53, 4:92, 4:92]] * 3)
        audio = np.stack(
            [
                clip.waveform[first * SAMPLES_PER_FRAME : (first + 28) * SAMPLES_PER_FRAME]
                for first in (25 - 6, 25, 25 + 4)
            ]
        )
        valid = jnp.ones((3, 28), bool)
        logits = apply(scorer.params, visual, audio, valid)
        assert scoring.offset_is_measured(valid, logits.shape[-1] // 2).all()
        found.append(scoring.clip_offset(logits, valid).tolist())
    # Of 100 such clips, 98 to 99 are within a frame.
    np.testing.assert_allclose(found, [[6, 0, -4]] * 3, atol=1)
