"""The exported program returns the results of the model itself, for all sizes."""

import functools
from functools import cache

import jax
import numpy as np
import pytest
from jax import export

from avsync import build, build_export, scoring
from avsync.exporting.program import PLATFORMS, make_program
from avsync.scoring.scorer import Scorer
from avsync.types import Extraction
from avsync.units import SAMPLES_PER_FRAME
from tests.small_models import random_params, small_config

CHANNELS = {"visual": 24, "audio": 24}


def random_batch(model: str, num_clips: int, num_frames: int):
    """Random clips; the last of several is half as long as the others."""
    random = np.random.default_rng(num_frames)
    shape = (num_clips, num_frames)
    if model == "features":
        visual, audio = (random.normal(size=(*shape, 24)).astype(np.float32) for _ in range(2))
    else:
        visual = random.integers(0, 256, (*shape, 96, 96, 1), np.uint8)
        samples = (num_clips, num_frames * SAMPLES_PER_FRAME)
        audio = random.integers(-9000, 9000, samples).astype(np.int16)
    valid = np.ones(shape, bool)
    valid[1:][-1:, num_frames // 2 :] = False
    return visual, audio, valid


@cache
def scorer_and_program(model: str) -> tuple[Scorer, export.Exported]:
    config = small_config(model)
    channels = CHANNELS if model == "features" else None
    extraction = Extraction("", "", CHANNELS) if channels else None
    scorer = build.make_scorer(config, random_params(config, extraction), extraction=extraction)
    whole = build.make_scorer(
        build_export.without_chunks(config), scorer.params, extraction=extraction
    )
    return scorer, export.deserialize(make_program(whole, channels=channels).serialize())


@pytest.mark.parametrize(
    ("model", "num_clips", "num_frames"),
    [
        ("lip_conv", 3, 40),
        ("shared avhubert", 2, 10),
        ("shared avhubert", 1, 1),
        ("features", 2, 40),
        ("features", 3, 9),  # less than the reach: no frame has all its candidates
        # Two encoders as in lip_conv, of the blocks of the shared one; one frame, as of it.
        pytest.param("avhubert", 2, 10, marks=pytest.mark.slow),
        pytest.param("lip_conv", 1, 1, marks=pytest.mark.slow),
    ],
)
def test_a_program_gives_the_scores_of_its_checkpoint(model, num_clips, num_frames):
    scorer, program = scorer_and_program(model)
    visual, audio, valid = random_batch(model, num_clips, num_frames)
    found = jax.jit(program.call)(scorer.params, visual, audio, valid)

    seen = visual if model == "features" else visual[:, :, 4:92, 4:92]
    frames, expected, offset = jax.jit(functools.partial(scores_of, scorer))(seen, audio, valid)
    np.testing.assert_allclose(found["frame_scores"][valid], frames[valid], atol=1e-5)
    np.testing.assert_allclose(found["clip_score"], expected, atol=1e-5)
    np.testing.assert_array_equal(found["offset_frames"], offset)


def scores_of(scorer: Scorer, visual, audio, valid):
    """Frame scores, clip scores and offsets by the model itself."""
    logits = scorer.apply(scorer.params, visual, audio, valid)
    frames = scoring.frame_scores(logits, name=scorer.frame_score)
    score = scoring.clip_score(frames, valid, pooling=scorer.pooling)
    return frames, score, scoring.clip_offset(logits, valid)


def test_a_clip_without_valid_frames_has_no_score_and_changes_no_other():
    scorer, program = scorer_and_program("features")
    visual, audio, valid = random_batch("features", 2, 40)
    valid[1] = False
    call = functools.partial(jax.jit(program.call), scorer.params)
    together, alone = call(visual, audio, valid), call(visual[:1], audio[:1], valid[:1])
    np.testing.assert_allclose(together["clip_score"], [alone["clip_score"][0], np.nan], atol=1e-5)


def test_one_program_serves_all_platforms_and_sizes():
    _, program = scorer_and_program("lip_conv")
    assert program.platforms == PLATFORMS == ("cpu", "cuda", "tpu")
    shapes = [tuple(map(str, aval.shape)) for aval in program.in_avals[-3:]]
    assert shapes == [("b", "t", "96", "96", "1"), ("b", "640*t"), ("b", "t")]


def test_sound_and_video_of_different_lengths_are_refused():
    scorer, program = scorer_and_program("lip_conv")
    visual, audio, valid = random_batch("lip_conv", 1, 3)
    with pytest.raises(ValueError, match="640"):
        program.call(scorer.params, visual, audio[:, :-1], valid)


def test_a_program_does_not_hold_its_parameters():
    scorer, program = scorer_and_program("lip_conv")
    twice = jax.tree.map(lambda x: 2 * x, scorer.params)
    inputs = random_batch("lip_conv", 1, 3)
    call = jax.jit(program.call)
    assert (call(scorer.params, *inputs)["clip_score"] != call(twice, *inputs)["clip_score"]).all()
