"""Each augmentation alone: its range, one draw per clip, and the same result inside a dataset."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp import augment
from avsync.pp.augment import draws, geometry, photometry
from avsync.pp.augmentation import STRANGERS, Augmentation

FRAMES = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 1), np.uint8)
WAVEFORM = np.random.default_rng(1).integers(-9000, 9000, 1920).astype(np.int16)


def seed(i: int) -> tf.Tensor:
    return tf.constant([1, i])


def test_flip_mirrors_all_frames_of_a_clip_or_none():
    outcomes = set()
    for i in range(20):
        flipped = geometry.flip(tf.constant(FRAMES), probability=0.5, seed=seed(i)).numpy()
        is_mirrored = np.array_equal(flipped, FRAMES[:, :, ::-1])
        assert is_mirrored or np.array_equal(flipped, FRAMES)
        outcomes.add(is_mirrored)
    assert outcomes == {True, False}


def test_crop_moves_the_window_by_at_most_its_shift():
    places = set()
    for i in range(200):
        cropped = geometry.crop(tf.constant(FRAMES), shift_pixels=1, seed=seed(i)).numpy()
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
        geometry.crop(tf.constant(FRAMES), shift_pixels=5, seed=seed(0))


def test_light_of_zero_strength_changes_nothing():
    same = photometry.light(tf.constant(FRAMES), brightness=0.0, contrast=0.0, seed=seed(0))
    np.testing.assert_array_equal(same.numpy(), FRAMES)


def test_light_changes_the_mean_by_at_most_its_strength():
    grey = np.full((2, 96, 96, 1), 100, np.uint8)
    means = [
        float(
            photometry.light(tf.constant(grey), brightness=0.2, contrast=0.0, seed=seed(i))
            .numpy()
            .mean()
        )
        for i in range(50)
    ]
    assert min(means) >= 80
    assert max(means) <= 120
    assert max(means) - min(means) > 20


@pytest.mark.parametrize(
    ("i", "picture", "sound"),
    [
        (0, "123a245979dfec9b", "47d59e7d9b327a58"),
        (1, "84f8dad0b5271bf0", "d4d6cc2221e39f84"),
        (2, "b74fc7d0246731ec", "8fb9aee95a3c4f96"),
    ],
)
def test_the_defaults_give_what_they_gave_before_there_were_other_ops(i, picture, sound):
    # The first 16 digits of SHA-256, recorded before; a training then is resumed bit for bit.
    changed = run(Augmentation(), i)
    digests = [hashlib.sha256(part.tobytes()).hexdigest()[:16] for part in changed]
    assert digests == [picture, sound]


def test_ops_of_probability_zero_change_nothing():
    for i in range(3):
        for ours, theirs in zip(
            run(STRANGERS._replace(probability=0.0), i), run(Augmentation(), i), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_an_op_is_drawn_with_its_probability_and_independently_of_others():
    options = STRANGERS._replace(probability=0.3)
    drawn = [draws.draw(options, seed(i)).chosen for i in range(300)]
    table = np.array([[bool(chosen[op]) for op in draws.OPS] for chosen in drawn])
    assert np.abs(table.mean(0) - 0.3).max() < 0.1
    apart = [op not in draws.GEOMETRY[1:] for op in draws.OPS]
    correlation = np.corrcoef(table[:, apart].T) - np.eye(sum(apart))
    assert np.abs(correlation).max() < 0.25


def test_switching_one_op_off_leaves_the_draws_of_the_others():
    whole, less = (
        draws.draw(options, seed(1)) for options in (STRANGERS, STRANGERS._replace(gamma=0.0))
    )
    for op in draws.OPS:
        assert bool(whole.chosen[op]) == bool(less.chosen[op])
        np.testing.assert_array_equal(whole.seeds[op], less.seeds[op])


@pytest.mark.parametrize("num_frames", [0, 1, 3])
def test_clips_of_hardly_any_frames_are_augmented(num_frames):
    options = STRANGERS._replace(probability=1.0)
    for i in range(4):
        shown = augment.shown_frames(
            tf.constant(num_frames), augmentation=options, seed=seed(i)
        ).numpy()
        frames, waveform = augment.augment(
            tf.constant(FRAMES[shown]),
            tf.constant(WAVEFORM[: 640 * num_frames]),
            augmentation=options,
            seed=seed(i),
        )
        assert frames.shape == (len(shown), 88, 88, 1)
        assert waveform.shape == (640 * len(shown),)


@pytest.mark.parametrize("options", [Augmentation(), STRANGERS._replace(stretch=0.0)])
def test_augmentation_gives_the_same_result_inside_a_dataset(options):
    for i in range(5, 9):
        dataset = tf.data.Dataset.from_tensors((FRAMES, WAVEFORM)).map(
            lambda frames, waveform, i=i: augment.augment(
                frames, waveform, augmentation=options, seed=seed(i)
            )
        )
        frames, waveform = next(dataset.as_numpy_iterator())
        eager = run(options, i)
        # Compiled graphs may fuse a product and a sum: one grey level, one step of the sound.
        assert np.abs(frames.astype(int) - eager[0]).max() <= (options != Augmentation())
        assert np.abs(waveform.astype(int) - eager[1]).max() <= (options != Augmentation())
        assert frames.shape == (3, 88, 88, 1)


def run(options: Augmentation, i: int) -> tuple[np.ndarray, np.ndarray]:
    changed = augment.augment(
        tf.constant(FRAMES), tf.constant(WAVEFORM), augmentation=options, seed=seed(i)
    )
    return changed[0].numpy(), changed[1].numpy()
