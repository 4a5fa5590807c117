"""Shortcuts measured on sounds whose answer is known."""

import numpy as np
import pytest

from avsync.audits import base
from avsync.audits.base import AuditedClip

SECOND = np.arange(16_000) / 16_000


def tone(hertz: float = 200.0, *, amplitude: float = 0.25) -> np.ndarray:
    """One second of a sine."""
    return np.round(32_768 * amplitude * np.sin(2 * np.pi * hertz * SECOND)).astype(np.int16)


def noise(*, amplitude: float = 0.01, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).normal(0, 32_768 * amplitude, 16_000)
    return np.clip(samples, -32_768, 32_767).astype(np.int16)


def zeros(seconds: float) -> np.ndarray:
    return np.zeros(round(16_000 * seconds), np.int16)


def measured(name: str, *pieces: np.ndarray, **known):
    clip = AuditedClip(np.concatenate([*pieces]), known.pop("media", {}), **known)
    return base.all_shortcuts()[name].measure(clip)


def test_silence_is_measured_at_the_end_that_has_it():
    pieces = (zeros(0.08), noise(), zeros(0.12))
    assert measured("leading_silence", *pieces) == pytest.approx(0.08, abs=1e-3)
    assert measured("trailing_silence", *pieces) == pytest.approx(0.12, abs=1e-3)
    # A constant of 16 steps of 16 bits is silence for trimming, and so it is here.
    whisper = np.full(1_600, 16, np.int16)
    assert measured("leading_silence", whisper, noise()) == pytest.approx(0.1, abs=1e-3)


def test_a_silent_clip_is_all_silence_and_has_no_spectrum():
    assert measured("leading_silence", zeros(1)) == 1.0
    for name in ("rolloff", "bandwidth", "noise_floor", "click"):
        assert measured(name, zeros(1)) is None


def test_exact_zeros_count_between_sounds_but_not_at_the_ends():
    assert measured("digital_silence", zeros(0.5), noise(), zeros(0.5)) == 0
    gap = measured("digital_silence", noise(), zeros(0.25), noise(seed=1))
    assert gap == pytest.approx(0.25, abs=1e-3)


def test_a_quiet_wave_that_crosses_zero_has_no_digital_silence():
    assert measured("digital_silence", tone(100, amplitude=1e-3)) == 0


def test_levels_are_in_decibels_relative_to_full_scale():
    assert measured("loudness", tone(amplitude=0.5)) == pytest.approx(-6.02 - 3.01, abs=0.02)
    assert measured("peak", tone(amplitude=0.5)) == pytest.approx(-6.02, abs=0.01)


def test_the_noise_floor_is_that_of_pauses_not_of_digital_silence():
    pieces = (tone(), noise(amplitude=0.01), zeros(0.5))
    assert measured("noise_floor", *pieces) == pytest.approx(-40, abs=1)


def test_a_dc_offset_of_either_sign_counts():
    for offset in (655, -655):
        assert measured("dc_offset", tone() + np.int16(offset)) == pytest.approx(0.02, abs=1e-4)


def test_clipping_is_the_share_of_adjacent_samples_at_the_peak():
    # A sine clipped at half its amplitude spends two thirds of the time above that.
    loud = np.clip(4.0 * tone(amplitude=0.25), -16_384, 16_384).astype(np.int16)
    assert measured("clipping", loud) == pytest.approx(2 / 3, abs=0.03)
    assert measured("clipping", tone(217.3)) < 0.01


def test_rolloff_and_bandwidth_are_frequencies_of_the_sound():
    assert measured("rolloff", tone(1_000)) == pytest.approx(1_000, abs=40)
    narrow = tone(500, amplitude=0.2) + tone(3_000, amplitude=0.002)
    assert measured("bandwidth", narrow) == pytest.approx(3_000, abs=150)
    assert measured("bandwidth", noise()) == 8_000


def test_a_hard_cut_is_a_click_and_an_onset_after_silence_is_not():
    wave = tone(200)
    # From the top of one wave to the bottom of the next: a jump of 20,000 steps of 16 bits.
    hard = measured("click", wave[:4_020], -wave[4_020:])
    assert hard > measured("click", wave) + 6
    assert measured("click", zeros(0.1), wave, zeros(0.1)) == pytest.approx(
        measured("click", wave), abs=1
    )


def test_the_random_network_is_deterministic_and_sensitive_to_silence():
    vector = measured("random_network", noise())
    assert vector.shape == (128,)
    assert np.isfinite(vector).all()
    np.testing.assert_array_equal(vector, measured("random_network", noise()))
    changed = measured("random_network", zeros(0.08), noise())
    assert np.abs(changed - vector).max() > 0.1


def test_settings_of_the_raw_file_are_categories_and_its_rates_are_numbers():
    media = {"video_codec": "h264", "sample_rate_hertz": 44_100, "video_bits_per_second": 9_000}
    media["video_frames_per_second"] = 29.97003
    assert measured("video_codec", noise(), media=media) == "h264"
    assert measured("sample_rate_hertz", noise(), media=media) == "44100"
    assert measured("video_frames_per_second", noise(), media=media) == "29.97"
    assert measured("video_bits_per_second", noise(), media=media) == 9_000


def test_a_missing_tag_is_a_category_and_a_missing_record_is_unknown():
    assert measured("container_encoder", noise(), media={"video_codec": "h264"}) == "none"
    assert measured("container_encoder", noise(), media={}) is None
    assert measured("eye_distance_share", noise(), media={"video_codec": "h264"}) is None


def test_leakage_counts_the_other_splits():
    known = {"splits_with_source": ("train", "val"), "splits_with_identity": ("train",)}
    assert measured("source_leakage", noise(), **known) == 2
    assert measured("identity_leakage", noise(), **known) == 1
    assert measured("identity_leakage", noise()) is None


def test_every_description_is_a_noun_phrase():
    for name, shortcut in base.all_shortcuts().items():
        assert shortcut.description[0].islower(), name
        assert not shortcut.description.endswith("."), name
