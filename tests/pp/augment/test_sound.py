"""Each op on the sound alone: its range, what it leaves alone, and that nothing moves in time."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp.augment import room, sound, voice
from avsync.pp.augment.draws import draw
from avsync.pp.augmentation import STRANGERS, Augmentation

NUM_FRAMES = 50
RATE = 16_000
NOISE = np.random.default_rng(0).normal(0, 2000, 640 * NUM_FRAMES).astype(np.float32)
ONES = tf.ones([9, voice.NUM_BINS])


def seed(i: int) -> tf.Tensor:
    return tf.constant([1, i])


def changed(samples: np.ndarray, i: int, **strengths: Any) -> np.ndarray:
    draws = draw(Augmentation(probability=1.0, **strengths), seed(i))
    return sound.change(tf.constant(samples.astype(np.int16)), draws=draws).numpy()


def clicks(period: int) -> np.ndarray:
    samples = np.zeros(640 * NUM_FRAMES, np.float32)
    samples[period // 2 :: period] = 20_000
    return samples


def spectrum(samples: np.ndarray) -> np.ndarray:
    """The power in 32 bands of 250 Hz."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return np.array([part.mean() for part in np.array_split(power, 32)])


def test_the_round_trip_through_both_transforms_gives_back_the_sound():
    draws = draw(Augmentation(), seed(0))
    same = voice.shape(tf.constant(NOISE), draws=draws).numpy()
    np.testing.assert_allclose(same, NOISE, atol=0.5)
    same = room.place(tf.constant(NOISE), slowness=tf.constant(1.0), draws=draws).numpy()
    np.testing.assert_allclose(same, NOISE, atol=0.5)


def test_a_stretched_train_of_clicks_has_stretched_periods_from_the_same_origin():
    # 100 clicks per second, 1.125 times as long: 88.9 clicks per second, at 1.125 times the times.
    draws = draw(Augmentation(stretch=0.15), seed(0))
    train = clicks(160)
    out = room.place(tf.constant(train), slowness=tf.constant(1.125), draws=draws).numpy()
    assert len(out) == 640 * int(NUM_FRAMES * 1.125)
    expected = np.arange(80, len(train), 160) * 1.125
    for place in expected[: int(len(out) // 180) - 1]:
        near = slice(int(place) - 60, int(place) + 60)
        assert abs(np.argmax(np.abs(out[near])) + near.start - place) <= 1
    power = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
    hertz = np.fft.rfftfreq(len(out), 1 / RATE)
    band = (hertz > 50) & (hertz < 120)
    assert hertz[band][np.argmax(power[band])] == pytest.approx(100 / 1.125, abs=0.5)


def test_a_click_of_any_op_stays_where_it_is():
    # A click every 0.5 s; the direct path of the reverberation is the loudest.
    train = clicks(8000)
    places = np.flatnonzero(train)
    options = STRANGERS._replace(stretch=0.0, sound_mask=0.0, sound_noise=0.03)
    strengths = {name: getattr(options, name) for name in (*room.OPS, *voice.OPS)}
    for i in range(10):
        out = changed(train, i, **strengths)
        for place in places:
            near = slice(place - 400, place + 400)
            # 2 ms; a video frame is 40.
            assert abs(np.argmax(np.abs(out[near])) + near.start - place) <= 32


def test_the_sound_of_reverberation_follows_the_direct_sound_and_decays():
    out = changed(clicks(8000), 3, reverb_seconds=0.3)
    place = int(np.flatnonzero(clicks(8000))[1])
    assert np.abs(out[place - 2000 : place]).max() < 0.01 * out[place]
    energy = [np.sum(out[place + a : place + b] ** 2) for a, b in ((1, 800), (2400, 3200))]
    assert 0.02 * out[place] ** 2 < sum(energy) < 0.6 * out[place] ** 2
    assert energy[1] < 0.3 * energy[0]


def test_noise_lies_between_0_and_30_db_below_the_sound_and_is_white_to_pink():
    levels, slopes = [], []
    for i in range(40):
        power = tf.constant(NOISE.var())
        out = room.add_noise(tf.constant(NOISE), power=power, strength=1.0, seed=seed(i)).numpy()
        added = out - NOISE
        levels.append(20 * np.log10(NOISE.std() / added.std()))
        low, high = spectrum(added)[[2, 30]]
        slopes.append(np.log2(high / low) / np.log2(30.5 / 2.5))
    assert -0.5 <= min(levels) < 4
    assert 26 < max(levels) <= 30.5
    assert -1.3 < min(slopes) < -0.7
    assert -0.3 < max(slopes) < 0.3


def test_the_equaliser_stays_within_its_gains_and_uses_them():
    for i in range(10):
        gains = voice.equalise(ONES, strength=12.0, seed=seed(i)).numpy()
        assert np.abs(20 * np.log10(gains)).max() <= 12.01
        assert np.ptp(20 * np.log10(gains)) > 4
        np.testing.assert_array_equal(gains[0], gains[-1])


def test_a_band_limit_passes_what_is_below_its_lowest_edge_and_nothing_far_above():
    edges = []
    for i in range(40):
        gains = voice.limit_band(ONES, strength=3400.0, seed=seed(i)).numpy()[0]
        hertz = np.arange(voice.NUM_BINS) * voice.BIN_HZ
        assert gains[hertz <= 3400].min() == 1
        edges.append(hertz[gains == 1].max())
        assert not gains[hertz > edges[-1] + 300].any()
    assert min(edges) < 4200
    assert max(edges) > 7200
    muffled = changed(NOISE, int(np.argmin(edges)), band_limit_hz=3400.0)
    assert np.isfinite(muffled).all()


def test_formants_move_within_their_range_and_the_pitch_stays():
    time = np.arange(640 * NUM_FRAMES) / RATE
    pulses = clicks(160)  # 100 Hz
    resonance = np.exp(-300 * time[:800]) * np.sin(2 * np.pi * 2000 * time[:800])
    vowel = np.convolve(pulses, resonance, "same")
    vowel *= 8000 / np.abs(vowel).max()
    peaks = []
    for i in range(20):
        out = changed(vowel, i, formants=0.18)
        power = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
        hertz = np.fft.rfftfreq(len(out), 1 / RATE)
        near = (hertz > 1200) & (hertz < 2900)
        peaks.append((hertz[near] * power[near]).sum() / power[near].sum())
        # All energy stays at multiples of 100 Hz.
        assert power[np.abs(hertz % 100 - 50) < 25].sum() < 0.01 * power.sum()
    assert 1650 < min(peaks) < 1850
    assert 2150 < max(peaks) < 2450


def test_a_codec_keeps_what_is_strong_and_drops_what_is_weak():
    coarse = changed(NOISE, 0, codec=2.0)
    fine = changed(NOISE, 0, codec=0.01)
    assert np.corrcoef(coarse, NOISE)[0, 1] > 0.6
    assert np.corrcoef(fine, NOISE)[0, 1] > 0.999
    assert np.std(coarse - NOISE) > 3 * np.std(fine - NOISE)


def test_masks_mute_one_stretch_and_one_band_no_longer_than_their_strength():
    most = 0.2 * RATE / voice.HOP + 1
    longest = 0
    for i in range(20):
        gains = voice.mute(tf.ones([120, voice.NUM_BINS]), strength=0.2, seed=seed(i)).numpy()
        low = gains < 0.99
        times, bins = low.all(1), low.all(0)
        assert times.sum() <= most
        assert bins.sum() <= 0.2 * voice.NUM_BINS + 1
        assert np.abs(np.diff(times.astype(int))).sum() <= 2
        assert np.abs(np.diff(bins.astype(int))).sum() <= 2
        longest = max(longest, times.sum())
        assert gains.min() >= 10 ** (2 * voice.MASK_DB / 20) * 0.99
    assert longest > most / 2


def test_the_sound_stays_as_loud_as_it_was():
    for i in range(6):
        strengths = {name: getattr(STRANGERS, name) for name in (*room.OPS, *voice.OPS)}
        out = changed(NOISE, i, **strengths)
        assert out.std() == pytest.approx(NOISE.std(), rel=0.02)


def test_silence_stays_silent():
    strengths = {name: getattr(STRANGERS, name) for name in (*room.OPS, *voice.OPS)}
    for num_frames in (0, 1, 20):
        silent = changed(np.zeros(640 * num_frames), 1, **strengths)
        assert not silent.any()


def test_gain_scales_the_sound_within_its_range_and_saturates():
    gains = []
    waveform = NOISE.astype(np.int16)
    for i in range(50):
        louder = sound.gain(tf.constant(waveform), low_db=-8.0, high_db=4.0, seed=seed(i)).numpy()
        gains.append(20 * np.log10(np.std(louder) / np.std(waveform)))
    assert min(gains) >= -8.01
    assert max(gains) <= 4.01
    loud = sound.gain(
        tf.constant([30000, -30000], tf.int16), low_db=4.0, high_db=4.001, seed=seed(0)
    )
    assert loud.numpy().tolist() == [32767, -32768]
