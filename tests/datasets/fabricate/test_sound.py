"""Fake sound: swapped, shifted, spliced."""

import numpy as np
import pytest

from avsync.datasets.fabricate import CannotFabricate, shift, splice, swap

RNG = np.random.default_rng(0)


def test_a_swap_has_all_of_the_donors_sound(talking_clip):
    real, donor = talking_clip("real"), talking_clip("donor")
    fake = swap.fabricate(real, donor, RNG)
    np.testing.assert_array_equal(fake.waveform, donor.waveform)
    assert fake.fake_segments == ((0.0, 2.4),)


@pytest.mark.parametrize(("clip_frames", "donor_frames"), [(60, 50), (50, 60)])
def test_a_swap_has_the_shorter_of_the_two_lengths(talking_clip, clip_frames, donor_frames):
    real = talking_clip("real", num_frames=clip_frames)
    donor = talking_clip("donor", num_frames=donor_frames)
    fake = swap.fabricate(real, donor, RNG)
    np.testing.assert_array_equal(fake.frames, real.frames[:50])
    np.testing.assert_array_equal(fake.waveform, donor.waveform[: 50 * 640])
    assert fake.fake_segments == ((0.0, 2.0),)


def test_a_clip_is_not_swapped_with_itself(talking_clip):
    with pytest.raises(ValueError, match="its own sound is not a fake"):
        swap.fabricate(talking_clip("real"), talking_clip("real"), RNG)


@pytest.mark.parametrize(
    ("frames", "video_start", "sound_start"), [(5, 5, 0), (-5, 0, 5), (1, 1, 0)]
)
def test_a_shift_moves_the_sound_by_the_given_frames(
    talking_clip, frames, video_start, sound_start
):
    real = talking_clip("real")
    fake = shift.fabricate(real, talking_clip("donor"), RNG, frames=frames)
    left = 60 - abs(frames)
    assert len(fake.frames) == left
    assert list(fake.frames[:, 0, 0, 0]) == list(range(video_start, video_start + left))
    expected = real.waveform[sound_start * 640 : (sound_start + left) * 640]
    np.testing.assert_array_equal(fake.waveform, expected)
    assert fake.fake_segments == ((0.0, left / 25),)
    assert fake.manipulation == f"shift_{abs(frames)}"


def test_a_shift_by_zero_is_refused(talking_clip):
    with pytest.raises(ValueError, match="shift by 0 frames is not a fake"):
        shift.fabricate(talking_clip("real"), talking_clip("donor"), RNG, frames=0)


def test_a_shift_as_long_as_the_clip_cannot_be_made(talking_clip):
    brief = talking_clip("brief", num_frames=5)
    with pytest.raises(CannotFabricate, match="shift_5 needs more than 5 frames, the clip has 5"):
        shift.fabricate(brief, talking_clip("donor"), RNG, frames=-5)


def test_a_splice_is_the_donors_speech_between_its_fades(talking_clip):
    real, donor = talking_clip("real"), talking_clip("donor")
    fake = splice.fabricate(real, donor, RNG, seconds=0.4)
    ((start, _),) = fake.fake_segments
    inside = slice(round(start * 16_000) + 160, round((start + 0.4) * 16_000) - 160)
    middle = fake.waveform[inside].astype(float)
    donated = np.lib.stride_tricks.sliding_window_view(donor.waveform, len(middle))[160::640]
    likeness = donated @ middle / np.linalg.norm(donated, axis=1) / np.linalg.norm(middle)
    assert likeness.max() > 0.9999


def test_a_splice_has_the_level_of_the_replaced_sound():
    quiet = np.full(2_000, 100, np.int16)
    spliced = splice.splice_sound(quiet, np.full(1_000, 8_000, np.int16), start_sample=500)
    np.testing.assert_array_equal(spliced[660:1_340], 100)


def test_a_splice_is_scaled_down_rather_than_clipped():
    loud = np.full(2_000, 20_000, np.int16)
    peaky = np.tile(np.array([0, 0, 0, 9_000], np.int16), 250)
    spliced = splice.splice_sound(loud, peaky, start_sample=500)
    assert spliced[660:1_340].max() == 32_767
    assert set(spliced[660:1_340]) == {0, 32_767}  # the donor at the largest level without clipping


def test_a_splice_has_no_click():
    time = np.arange(4_000) / 16_000
    low = np.rint(10_000 * np.sin(2 * np.pi * 50 * time)).astype(np.int16)
    opposite = -low[1_000:3_000]
    spliced = splice.splice_sound(low, opposite, start_sample=1_000).astype(int)
    # Without a fade the sound would jump by up to 20,000 at both ends of the splice.
    assert np.abs(np.diff(spliced)).max() < 500


def test_a_splice_changes_no_sample_outside():
    sound = RNG.integers(-5_000, 5_000, 4_000).astype(np.int16)
    spliced = splice.splice_sound(sound, sound[:2_000][::-1], start_sample=1_000)
    np.testing.assert_array_equal(spliced[:1_000], sound[:1_000])
    np.testing.assert_array_equal(spliced[3_000:], sound[3_000:])
    assert (spliced[1_000:3_000] != sound[1_000:3_000]).mean() > 0.9
