"""Each augmentation alone: its range, one draw per clip, and the same result inside a dataset."""

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp import augment

FRAMES = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 1), np.uint8)
WAVEFORM = np.random.default_rng(1).integers(-9000, 9000, 1920).astype(np.int16)


def seed(i: int) -> tf.Tensor:
    return tf.constant([1, i])


def test_flip_mirrors_all_frames_of_a_clip_or_none():
    outcomes = set()
    for i in range(20):
        flipped = augment.flip(tf.constant(FRAMES), probability=0.5, seed=seed(i)).numpy()
        is_mirrored = np.array_equal(flipped, FRAMES[:, :, ::-1])
        assert is_mirrored or np.array_equal(flipped, FRAMES)
        outcomes.add(is_mirrored)
    assert outcomes == {True, False}


def test_crop_moves_the_window_by_at_most_its_shift():
    places = set()
    for i in range(200):
        cropped = augment.crop(tf.constant(FRAMES), shift_pixels=1, seed=seed(i)).numpy()
        found = [
            (top, left)
            for top in range(3, 6)
            for left in range(3, 6)
            if np.array_equal(cropped, FRAMES[:, top : top + 88, left : left + 88])
        ]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) == 9


def test_the_centre_crop_equals_av_huberts():
    cropped = augment.centre_crop(tf.constant(FRAMES)).numpy()
    np.testing.assert_array_equal(cropped, FRAMES[:, 4:92, 4:92])


def test_a_crop_cannot_exceed_the_frame():
    with pytest.raises(ValueError, match="0 to 4, got 5"):
        augment.crop(tf.constant(FRAMES), shift_pixels=5, seed=seed(0))


def test_light_of_zero_strength_changes_nothing():
    same = augment.light(tf.constant(FRAMES), brightness=0.0, contrast=0.0, seed=seed(0))
    np.testing.assert_array_equal(same.numpy(), FRAMES)


def test_light_changes_the_mean_by_at_most_its_strength():
    grey = np.full((2, 96, 96, 1), 100, np.uint8)
    means = [
        float(
            augment.light(tf.constant(grey), brightness=0.2, contrast=0.0, seed=seed(i))
            .numpy()
            .mean()
        )
        for i in range(50)
    ]
    assert min(means) >= 80
    assert max(means) <= 120
    assert max(means) - min(means) > 20


def test_gain_scales_the_sound_within_its_range_and_saturates():
    gains = []
    for i in range(50):
        louder = augment.gain(tf.constant(WAVEFORM), low_db=-8.0, high_db=4.0, seed=seed(i)).numpy()
        gains.append(20 * np.log10(np.std(louder) / np.std(WAVEFORM)))
    assert min(gains) >= -8.01
    assert max(gains) <= 4.01
    loud = augment.gain(
        tf.constant([30000, -30000], tf.int16), low_db=4.0, high_db=4.001, seed=seed(0)
    )
    assert loud.numpy().tolist() == [32767, -32768]


def test_augmentation_gives_the_same_result_inside_a_dataset():
    options = augment.Augmentation()
    eager = augment.augment(
        tf.constant(FRAMES), tf.constant(WAVEFORM), augmentation=options, seed=seed(5)
    )
    dataset = tf.data.Dataset.from_tensors((FRAMES, WAVEFORM)).map(
        lambda frames, waveform: augment.augment(
            frames, waveform, augmentation=options, seed=seed(5)
        )
    )
    frames, waveform = next(dataset.as_numpy_iterator())
    np.testing.assert_array_equal(frames, eager[0].numpy())
    np.testing.assert_array_equal(waveform, eager[1].numpy())
    assert frames.shape == (3, 88, 88, 1)
