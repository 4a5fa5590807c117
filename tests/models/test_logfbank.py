"""AV-HuBERT's sound features against python_speech_features 0.6, and in padded batches."""

import jax
import numpy as np
import pytest

from avsync.models import frontend
from avsync.units import SAMPLES_PER_FRAME

log_filterbank = jax.jit(frontend.log_filterbank, static_argnames="amplitude")
stacked_log_filterbank = jax.jit(frontend.stacked_log_filterbank, static_argnames="amplitude")

SILENCE = -36.04365  # ln 2^-52


@pytest.fixture(scope="module")
def vectors(testdata):
    return np.load(testdata / "logfbank_vectors.npz")


def noise(num_samples: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-3000, 3000, num_samples).astype(np.int16)


def test_the_filterbank_equals_the_published_one(vectors):
    np.testing.assert_allclose(frontend.triangles(), vectors["filterbank_26x257"], atol=1e-7)


@pytest.mark.parametrize("amplitude", ["float", "int16"])
@pytest.mark.parametrize("clip", ["a", "b", "c", "short"])
def test_log_filterbanks_equal_those_of_the_reference(vectors, clip, amplitude):
    waveform = vectors[f"{clip}_wav_i16"][None]
    ours = log_filterbank(waveform, amplitude=amplitude)[0]
    np.testing.assert_allclose(ours, vectors[f"{clip}_logfbank_{amplitude}_scale"], atol=2e-5)


@pytest.mark.parametrize("clip", ["a", "b", "c", "short"])
def test_stacked_features_equal_those_of_the_reference(vectors, clip):
    ours = stacked_log_filterbank(vectors[f"{clip}_wav_i16"][None], amplitude="float")[0]
    np.testing.assert_allclose(ours, vectors[f"{clip}_avhalign_104"], atol=1e-5)


def test_a_trimmed_waveform_has_the_features_of_the_reference(vectors):
    num_frames = int(vectors["c_silence_s"] * 25) + 1
    waveform = vectors["c_wav_i16"][None, num_frames * SAMPLES_PER_FRAME :]
    ours = stacked_log_filterbank(waveform, amplitude="float")[0]
    np.testing.assert_allclose(ours, vectors["c_avhalign_104_trimmed"], atol=1e-5)


def test_float_and_int16_waveforms_give_the_same_features():
    waveform = noise(1600)[None]
    whole, fraction = (
        stacked_log_filterbank(x, amplitude="int16")
        for x in (waveform, waveform.astype(np.float32) / 32768)
    )
    np.testing.assert_allclose(whole, fraction, atol=1e-5)


@pytest.mark.parametrize("amplitude", ["float", "int16"])
def test_samples_after_a_clip_change_none_of_its_frames(amplitude):
    waveform = noise(6 * SAMPLES_PER_FRAME)
    own = np.array([2, 5, 0]) * SAMPLES_PER_FRAME
    together = stacked_log_filterbank(np.stack([waveform] * 3), own, amplitude=amplitude)
    assert together.shape == (3, 6, 104)
    assert np.isfinite(together).all()
    for row, num_samples in enumerate(own[:2]):
        alone = stacked_log_filterbank(waveform[None, :num_samples], amplitude=amplitude)[0]
        np.testing.assert_allclose(together[row, : len(alone)], alone, atol=1e-5)


def test_only_a_clips_last_frame_depends_on_the_amplitude():
    """The last frame has a row of zeros, which is loud compared to logs of numbers below 1."""
    waveform = noise(5 * SAMPLES_PER_FRAME)[None]
    loud, quiet = (
        np.asarray(stacked_log_filterbank(waveform, amplitude=amplitude))[0]
        for amplitude in ("float", "int16")
    )
    np.testing.assert_allclose(loud[:-1], quiet[:-1], atol=1e-5)
    assert (loud[-1, -26:] > 1).all()
    assert (quiet[-1, -26:] < -1).all()


def test_digital_silence_gives_a_finite_value():
    silent = log_filterbank(np.zeros((1, 640), np.int16), amplitude="int16")
    np.testing.assert_allclose(silent, np.full((1, 3, 26), SILENCE), atol=1e-4)


def test_an_unknown_amplitude_names_the_known_ones():
    with pytest.raises(ValueError, match=r"amplitude: 'int61'; did you mean 'int16'\?"):
        log_filterbank(noise(640)[None], amplitude="int61")
