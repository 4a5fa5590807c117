"""AV-HuBERT against the outputs of the reference; padding, chunks and options."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import build
from avsync.config import default, encoder
from avsync.convert import torch_file
from avsync.convert.avhubert import convert
from avsync.models.avhubert import resnet
from avsync.models.encoders.avhubert import Encoder

TINY = {"embedding": 32, "feed_forward": 64, "num_heads": 2, "num_layers": 2}

SAMPLES = 640  # per frame


@pytest.fixture(scope="module")
def folder(testdata):
    return testdata / "avhubert_tiny"


@pytest.fixture(scope="module")
def published(folder):
    """Parameters and options of a small network in the published layout."""
    contents = torch_file.read(folder / "ckpt.pt")
    return convert(torch_file.state_dict(contents, entry="model"), contents["cfg"])


def run(encoder, params, *inputs, method=None):
    with jax.default_matmul_precision("highest"):
        apply = jax.jit(functools.partial(encoder.apply, method=method))
        return np.asarray(apply({"params": params}, *inputs))


def assert_same_features(ours, reference):
    """The tolerance is 20 times the float32 error measured on the reference."""
    assert np.abs(ours - reference).max() <= 5e-4
    assert np.linalg.norm(ours - reference) <= 1e-4 * np.linalg.norm(reference)


@pytest.mark.parametrize(
    ("file", "modality"),
    [
        ("io", "av"),
        ("padded", "av"),
        # The modalities alone are compared on crops and waveforms below, and padded with others.
        *[
            pytest.param(file, modality, marks=pytest.mark.slow)
            for file in ("io", "padded")
            for modality in ("audio", "video")
        ],
    ],
)
def test_features_equal_those_of_the_reference(folder, published, file, modality):
    vectors = np.load(folder / f"{file}.npz")
    frames, sound = vectors["video"].transpose(0, 2, 3, 4, 1), vectors["audio"].transpose(0, 2, 1)
    valid = np.ones(sound.shape[:2], bool)
    if file == "padded":
        valid = ~vectors["padding_mask"]
    inputs = {"audio": (None, sound), "video": (frames, None), "av": (frames, sound)}[modality]
    ours = run(Encoder(**published.options), published.params, *inputs, valid, method="fuse")
    assert_same_features(ours[valid], vectors[f"out_{modality}"][valid])
    assert (ours[~valid] == 0).all()


@pytest.mark.parametrize("modality", ["audio", "video"])
def test_crops_and_waveforms_give_the_features_of_the_reference(folder, published, modality):
    vectors = np.load(folder / "io.npz")
    clips = {
        "audio": vectors["wav_i16"][None],
        "video": vectors["video_u8"][None, :, 4:92, 4:92, None],
    }
    encoder = Encoder(modality=modality, length="raw", **published.options)
    ours = run(encoder, published.params, clips[modality], np.ones((1, 20), bool))
    assert_same_features(ours, vectors[f"out_{modality}"])


def random_clip(modality: str, num_frames: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    if modality == "video":
        return random.integers(0, 256, (1, num_frames, 88, 88, 1), np.uint8)
    return random.integers(-3000, 3000, (1, num_frames * SAMPLES)).astype(np.int16)


@pytest.mark.parametrize("modality", ["audio", "video"])
def test_padding_and_chunks_change_no_feature(published, modality):
    encoder = Encoder(modality=modality, **published.options)
    clip = random_clip(modality, 4)
    alone = run(encoder, published.params, clip, np.ones((1, 4), bool))
    # Three frames of noise after it, and a row without valid frames.
    noise = random_clip(modality, 3, seed=1)
    padded = np.concatenate([np.concatenate([clip, noise], axis=1)] * 2)
    valid = np.array([[True] * 4 + [False] * 3, [False] * 7])
    in_chunks = encoder.clone(chunk_frames=3)
    together = run(in_chunks, published.params, padded, valid)
    np.testing.assert_allclose(together[0, :4], alone[0], atol=2e-6)
    assert (together[~valid] == 0).all()


@pytest.mark.parametrize(
    ("chunk_frames", "platform", "num_clips", "num_frames", "chunk"),
    [
        (0, "cpu", 4, 75, 75),
        (512, "gpu", 4, 75, 75),
        (64, "gpu", 4, 75, 64),
        (512, "cpu", 4, 75, 15),  # 5 times 15 frames; 10 times 8 would be 80
        (512, "cpu", 4, 80, 8),
        (512, "cpu", 100, 75, 1),
        (512, "cpu", 1, 20, 20),
        (9, "cpu", 4, 75, 8),
        (5, "cpu", 4, 75, 5),
    ],
)
def test_chunks_of_the_resnet_suit_the_platform(
    chunk_frames, platform, num_clips, num_frames, chunk
):
    sizes = {"num_clips": num_clips, "num_frames": num_frames}
    assert resnet.chunk_for(chunk_frames, platform, **sizes) == chunk


def test_features_have_length_1_unless_raw(published):
    clip, valid = random_clip("audio", 4), np.ones((1, 4), bool)
    unit, raw = (
        run(
            Encoder(modality="audio", length=length, **published.options),
            published.params, clip, valid,
        )
        for length in ("unit", "raw")
    )  # fmt: skip
    lengths = np.linalg.norm(raw, axis=-1, keepdims=True)
    assert (lengths > 5).all()  # of 128 channels, each of variance about 1
    np.testing.assert_allclose(unit, raw / lengths, atol=1e-6)


def test_bfloat16_activations_give_float32_features_close_to_float32(folder, published):
    vectors = np.load(folder / "io.npz")
    frames, sound = vectors["video"].transpose(0, 2, 3, 4, 1), vectors["audio"].transpose(0, 2, 1)
    encoder = Encoder(dtype=jnp.bfloat16, **published.options)
    half = run(encoder, published.params, frames, sound, np.ones((1, 20), bool), method="fuse")
    assert half.dtype == np.float32
    # 8 bits of mantissa through 19 convolutions; the reference in bfloat16 is 4e-2 off.
    assert np.linalg.norm(half - vectors["out_av"]) <= 6e-2 * np.linalg.norm(vectors["out_av"])


def test_remat_of_blocks_changes_no_gradient(published):
    clip, valid = jnp.asarray(random_clip("audio", 2)), jnp.ones((1, 2), bool)
    direction = np.random.default_rng(2).normal(size=(1, 2, 128))

    def gradient(remat):
        encoder = Encoder(modality="audio", remat=remat, **published.options)

        def loss(params):
            return jnp.sum(encoder.apply({"params": params}, clip, valid) * direction)

        return jax.jit(jax.grad(loss))(published.params)

    kept, recomputed = gradient("none"), gradient("blocks")
    largest = max(np.abs(x).max() for x in jax.tree.leaves(kept))
    assert largest > 0
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5 * largest), kept, recomputed
    )


def test_one_encoder_gives_the_streams_of_two_separate_ones(published):
    valid = np.arange(6) < np.array([[6], [4]])
    crops = np.concatenate([random_clip("video", 6), random_clip("video", 6, seed=1)])
    sound = np.concatenate([random_clip("audio", 6), random_clip("audio", 6, seed=1)])
    both = Encoder(modality="both", **published.options)
    visual, audio = run(both, published.params, crops, sound, valid, method="streams")
    for stream, modality, clips in ((visual, "video", crops), (audio, "audio", sound)):
        alone = run(Encoder(modality=modality, **published.options), published.params, clips, valid)
        np.testing.assert_allclose(stream, alone, atol=1e-6)


def test_an_aligner_has_the_parameters_of_a_shared_encoder_once():
    config = default()
    config.model.visual = encoder("avhubert", modality="both", **TINY)
    config.model.audio = encoder("shared")
    shapes = jax.eval_shape(
        lambda: build.init_params(build.make_model(config), build.inputs_like(), seed=0)
    )
    assert set(shapes) == {"encoder", "head"}
    assert {"resnet", "audio_projection", "transformer"} < set(shapes["encoder"])


@pytest.mark.parametrize(
    ("visual", "audio", "error"),
    [
        (encoder("lip_conv"), encoder("shared"), "'lip_conv' does not give the embeddings of the"),
        (encoder("avhubert", modality="video", **TINY), encoder("shared"), "modality='both'"),
        (encoder("avhubert", modality="both", **TINY), encoder("mel_conv"), "name='shared'"),
    ],
)
def test_a_shared_encoder_must_give_both_streams(visual, audio, error):
    config = default()
    config.model.visual, config.model.audio = visual, audio
    with pytest.raises(ValueError, match=error):
        jax.eval_shape(
            lambda: build.init_params(build.make_model(config), build.inputs_like(), seed=0)
        )


def test_an_aligner_can_use_one_for_each_stream():
    config = default()
    config.model.visual = encoder(
        "avhubert", modality="video", remat="blocks", chunk_frames=2, **TINY
    )
    config.model.audio = encoder("avhubert", modality="audio", **TINY)
    model = build.make_model(config)
    logits, variables = jax.eval_shape(
        model.init_with_output,
        jax.random.key(0),
        jax.ShapeDtypeStruct((2, 5, 88, 88, 1), np.uint8),
        jax.ShapeDtypeStruct((2, 5 * SAMPLES), np.int16),
        jax.ShapeDtypeStruct((2, 5), bool),
    )
    assert logits.shape == (2, 5, 31)
    # Neither has parameters for the modality that it does not use.
    assert "audio_projection" not in variables["params"]["visual_encoder"]
    assert "resnet" not in variables["params"]["audio_encoder"]


@pytest.mark.parametrize(
    ("options", "clip", "error"),
    [
        ({"modality": "vidoe"}, np.zeros((1, 2, 88, 88, 1), np.uint8), "did you mean 'video'"),
        ({"modality": "video"}, np.zeros((1, 2, 96, 96, 1), np.uint8), "88 x 88 pixels, got 96"),
        ({"modality": "video"}, np.zeros((1, 3, 88, 88, 1), np.uint8), "3 mouth crops for 2"),
        ({"modality": "audio"}, np.zeros((1, 1281), np.int16), "2 frames need 1280 samples"),
        ({"modality": "audio", "length": "one"}, np.zeros((1, 1280), np.int16), "length: 'one'"),
        ({"modality": "audio", "remat": "yes"}, np.zeros((1, 1280), np.int16), "'yes'"),
    ],
)
def test_invalid_options_and_inputs_are_refused(options, clip, error):
    encoder = Encoder(**options, **TINY)
    with pytest.raises(ValueError, match=error):
        jax.eval_shape(encoder.init, jax.random.key(0), clip, np.ones((1, 2), bool))


def test_at_least_one_modality_is_required():
    with pytest.raises(ValueError, match="got neither"):
        Encoder(**TINY).init(jax.random.key(0), None, None, jnp.ones((1, 2), bool), method="fuse")
