"""The model: shapes, edges, padding, explicit names of layers."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build, scoring, weights
from avsync.config import default, encoder
from avsync.config import head as make_head
from avsync.models.aligner import EXCLUDED
from avsync.models.heads.fusion_mlp import Head
from avsync.units import SAMPLES_PER_FRAME


def small_config(head: str = "cosine", edges: str = "masked", visual: str = "lip_patch"):
    config = default()
    config.model.visual = encoder(visual, stem_width=8, widths=(8, 16), features=32, embedding=16)
    config.model.audio.update(widths=(16, 16, 32), embedding=16)
    sizes = {"projection": 16, "widths": (16, 8)} if head == "fusion_mlp" else {}
    config.model.head = make_head(head, **sizes)
    config.model.update(edges=edges, reach_frames=4)
    return config


def random_clip(num_frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    visual = random.integers(0, 256, (1, num_frames, 88, 88, 1), np.uint8)
    audio = random.integers(-5000, 5000, (1, num_frames * SAMPLES_PER_FRAME)).astype(np.int16)
    return visual, audio


@functools.cache
def params_of(head: str, visual: str):
    """The initial parameters of a model with these, whatever its edges and its dtype."""
    config = small_config(head, visual=visual)
    return build.init_params(build.make_model(config), build.inputs_like(), seed=0)


def logits_of(config, visual, audio, valid):
    params = params_of(config.model.head.name, config.model.visual.name)
    return jax.jit(build.make_model(config).apply)({"params": params}, visual, audio, valid)


@pytest.mark.parametrize(
    ("head", "edges", "visual"),
    [
        ("cosine", "masked", "lip_patch"),
        ("fusion_mlp", "official", "lip_conv"),
        pytest.param("cosine", "official", "lip_conv", marks=pytest.mark.slow),
        pytest.param("fusion_mlp", "masked", "lip_patch", marks=pytest.mark.slow),
    ],
)
def test_padding_changes_no_logit_and_no_score(head, edges, visual):
    config = small_config(head, edges, visual)
    visual, audio = random_clip(12)
    alone = logits_of(config, visual, audio, np.ones((1, 12), bool))
    # A second row without valid frames, and five frames of noise after the first clip.
    longer_visual = np.concatenate([visual, np.full((1, 5, 88, 88, 1), 77, np.uint8)], axis=1)
    longer_audio = np.concatenate([audio, np.full((1, 5 * 640), 999, np.int16)], axis=1)
    valid = np.zeros((2, 17), bool)
    valid[0, :12] = True
    padded = logits_of(
        config,
        np.concatenate([longer_visual, longer_visual]),
        np.concatenate([longer_audio, longer_audio]),
        valid,
    )
    np.testing.assert_allclose(padded[0, :12], alone[0], atol=2e-4)
    assert np.isfinite(padded).all()
    for pooling in scoring.POOLINGS:
        scores = [
            float(
                scoring.clip_score(scoring.frame_scores(logits, name="nll"), mask, pooling=pooling)[
                    0
                ]
            )
            for logits, mask in ((alone, jnp.ones((1, 12), bool)), (padded, jnp.asarray(valid)))
        ]
        assert scores[0] == pytest.approx(scores[1], abs=2e-4)
    assert (
        scoring.clip_offset(alone, jnp.ones((1, 12), bool))[0]
        == scoring.clip_offset(padded, jnp.asarray(valid))[0]
    )


def test_candidates_beyond_the_clip_are_excluded_or_zero_vectors():
    visual, audio = random_clip(6)
    valid = np.ones((1, 6), bool)
    masked = logits_of(small_config(edges="masked"), visual, audio, valid)
    official = logits_of(small_config(edges="official"), visual, audio, valid)
    inside = masked != EXCLUDED
    # Frame 0 has candidates 0..4 (k = 4..8) within a clip of six frames.
    assert inside[0, 0].tolist() == [False] * 4 + [True] * 5
    assert inside[0, 5].tolist() == [True] * 5 + [False] * 4
    np.testing.assert_allclose(np.asarray(official)[np.asarray(inside)], masked[inside], rtol=1e-6)
    assert (np.asarray(official)[~np.asarray(inside)] == 0).all()  # the cosine of a zero vector


def test_the_offset_is_that_of_the_largest_logits():
    logits = np.zeros((1, 12, 9), np.float32)
    logits[..., 4 + 2] = 5.0
    assert scoring.clip_offset(jnp.asarray(logits), jnp.ones((1, 12), bool))[0] == 2


def test_the_fusion_head_computes_the_papers_network():
    """Against the unfactored form: projections, concatenation (visual first), one MLP per pair."""
    head = Head(projection=16, widths=(16, 8))
    random = np.random.default_rng(0)
    visual, audio = jnp.asarray(random.normal(size=(2, 1, 7, 5)), jnp.float32)
    params = head.init(jax.random.key(1), visual, audio, reach_frames=2)
    params = jax.tree.map(lambda x: x + 0.1 * jnp.asarray(random.normal(size=x.shape)), params)
    logits = head.apply(params, visual, audio, reach_frames=2)
    p = params["params"]

    def norm(x, weights):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * weights["scale"] + weights["bias"]

    first = np.concatenate([p["visual_first"]["kernel"], p["audio_first"]["kernel"]])
    for t in range(7):
        for k in range(5):
            s = t + k - 2
            sound = audio[0, s] if 0 <= s < 7 else np.zeros(5, np.float32)
            v = visual[0, t] @ p["visual_proj"]["kernel"] + p["visual_proj"]["bias"]
            a = sound @ p["audio_proj"]["kernel"] + p["audio_proj"]["bias"]
            x = np.concatenate([v, a]) @ first + p["audio_first"]["bias"]
            x = np.maximum(norm(x, p["tail"]["norm0"]), 0)
            x = x @ p["tail"]["dense0"]["kernel"] + p["tail"]["dense0"]["bias"]
            x = np.maximum(norm(x, p["tail"]["norm1"]), 0)
            x = x @ p["tail"]["logit"]["kernel"] + p["tail"]["logit"]["bias"]
            np.testing.assert_allclose(logits[0, t, k], x[0], atol=1e-4)


def test_bfloat16_activations_give_float32_logits_close_to_float32():
    visual, audio = random_clip(8)
    valid = np.ones((1, 8), bool)
    exact_config, half_config = small_config(), small_config()
    half_config.model.dtype = "bfloat16"
    exact = logits_of(exact_config, visual, audio, valid)
    half = logits_of(half_config, visual, audio, valid)
    assert half.dtype == jnp.float32
    inside = np.asarray(exact) > EXCLUDED
    # Cosines times 10 with 8 bits of mantissa: errors of about a tenth remain.
    assert np.abs(np.asarray(half) - np.asarray(exact))[inside].max() < 0.5


def test_a_mistyped_option_of_a_plug_in_names_the_nearest():
    config = default()
    config.model.visual.stem_widht = 3
    with pytest.raises(ValueError, match="did you mean 'stem_width'"):
        build.make_model(config)


def test_the_trunk_of_resnet18_can_be_configured():
    config = default()
    widths, blocks = (64, 128, 256, 512), (2, 2, 2, 2)
    config.model.visual = encoder(
        "lip_conv", pool=1, stem_stride=2, stem_width=64, widths=widths, blocks=blocks
    )
    model = build.make_model(config)
    visual, audio = random_clip(4)
    shapes = jax.eval_shape(model.init, jax.random.key(0), visual, audio, np.ones((1, 4), bool))
    num_values = sum(x.size for x in jax.tree.leaves(shapes["params"]["visual_encoder"]))
    assert num_values > 10e6  # ResNet-18 has 11 million


@pytest.mark.parametrize("visual", ["lip_patch", "lip_conv"])
@pytest.mark.parametrize("head", ["cosine", "fusion_mlp"])
def test_every_trained_layer_has_an_explicit_name(head, visual):
    # Flax's automatic names, such as Conv_1, change when a layer is added before them.
    config = small_config(head, visual=visual)
    if visual == "lip_conv":
        config.model.visual.blocks = (1, 1)
    names = set(parameter_names(config))
    assert not [name for name in names if re.search(r"[A-Z]\w*_\d+", name)]


@pytest.mark.parametrize(
    ("visual", "stream", "change"),
    [
        ("lip_conv", "visual", {"temporal_blocks": 3}),
        ("lip_conv", "visual", {"widths": (8, 16, 16), "blocks": (0, 0, 0)}),
        ("lip_conv", "visual", {"blocks": (1, 1)}),
        ("lip_patch", "visual", {"temporal_blocks": 3}),
        ("lip_patch", "visual", {"widths": (8, 16, 16)}),
        ("lip_patch", "audio", {"temporal_blocks": 3}),
        ("lip_patch", "head", {"widths": (16, 8, 4)}),
    ],
)
def test_adding_a_layer_renames_no_other(visual, stream, change):
    config = small_config("fusion_mlp", visual=visual)
    before = parameter_names(config)
    config.model[stream].update(change)
    after = parameter_names(config)
    assert set(before) < set(after)


def parameter_names(config) -> list[str]:
    model = build.make_model(config)
    shapes = jax.eval_shape(lambda: build.init_params(model, build.inputs_like(), seed=0))
    return [name for name, _ in weights.leaves(shapes)]
