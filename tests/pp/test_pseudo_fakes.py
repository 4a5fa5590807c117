"""Pseudo-fakes: what stays as it is, what moves, and by how much."""

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp import pseudo_fakes
from avsync.pp.pseudo_fakes import PseudoFakes

NUM_FRAMES = 75
FRAMES = np.random.default_rng(0).integers(0, 256, (NUM_FRAMES, 96, 96, 1), np.uint8)
WAVEFORM = np.random.default_rng(1).integers(-9000, 9000, NUM_FRAMES * 640).astype(np.int16)
CLIP = tf.constant(FRAMES), tf.constant(WAVEFORM)
# The features of frame t are t, those of its sound 100 + t.
TIMES = np.arange(NUM_FRAMES, dtype=np.float32)[:, None]

BLEND, SPLICE = PseudoFakes(splice=0.0), PseudoFakes(blend=0.0)


def drawn(i: int, options: PseudoFakes = BLEND, num_frames: int = NUM_FRAMES, **fixed: bool):
    draws = pseudo_fakes.draw(tf.constant(num_frames), options=options, seed=tf.constant([1, i]))
    return draws._replace(**{name: tf.constant(value) for name, value in fixed.items()})


def changed_clip(draws: pseudo_fakes.Draws):
    return [x.numpy() for x in pseudo_fakes.forge_clip(*CLIP, draws=draws)]


def moved_frames(draws: pseudo_fakes.Draws) -> tuple[np.ndarray, np.ndarray]:
    """By how many frames each frame of the picture and of the sound is moved."""
    visual, audio = pseudo_fakes.forge_features(
        tf.constant(TIMES), tf.constant(100 + TIMES), draws=draws
    )
    return (visual.numpy() - TIMES)[:, 0], (audio.numpy() - 100 - TIMES)[:, 0]


@pytest.mark.parametrize("is_fake", [False, True])
def test_a_clip_that_is_not_changed_comes_out_bit_for_bit(is_fake):
    draws = drawn(0, is_changed=False, is_fake=is_fake)
    frames, waveform = changed_clip(draws)
    np.testing.assert_array_equal(frames, FRAMES)
    np.testing.assert_array_equal(waveform, WAVEFORM)
    assert not any(moved.any() for moved in moved_frames(draws))
    assert not draws.forged(tf.constant(NUM_FRAMES)).numpy().any()


@pytest.mark.parametrize("options", [BLEND, SPLICE])
def test_the_streams_of_a_changed_real_clip_move_together(options):
    for i in range(10):
        draws = drawn(i, options, is_changed=True, is_fake=False)
        visual, audio = moved_frames(draws)
        assert visual.any()
        np.testing.assert_array_equal(visual, audio)
        assert not draws.forged(tf.constant(NUM_FRAMES)).numpy().any()


@pytest.mark.parametrize("options", [BLEND, SPLICE])
def test_the_sound_of_a_pseudo_fake_moves_against_the_picture_where_it_is_forged(options):
    for i in range(10):
        draws = drawn(i, options, is_changed=True, is_fake=True)
        visual, audio = moved_frames(draws)
        is_forged = draws.forged(tf.constant(NUM_FRAMES)).numpy() >= 0.5
        assert is_forged.any()
        assert not visual[~is_forged].any()
        assert not audio[~is_forged].any()
        # Away from the ends, where time is mirrored.
        inner = is_forged & (TIMES[:, 0] >= 25) & (TIMES[:, 0] < NUM_FRAMES - 25)
        np.testing.assert_array_equal(visual[inner], -audio[inner])


def test_each_stream_of_a_pseudo_fake_is_that_of_a_changed_real_clip_with_that_sign():
    real = drawn(3, is_changed=True, is_fake=False)
    fake = drawn(3, is_changed=True, is_fake=True)
    turned = real._replace(visual_frames=-real.visual_frames)
    np.testing.assert_array_equal(changed_clip(fake)[0], changed_clip(real)[0])
    np.testing.assert_array_equal(changed_clip(fake)[1], changed_clip(turned)[1])


def test_distances_and_lengths_are_those_of_the_kind():
    blends = [drawn(i, is_changed=True) for i in range(60)]
    assert {int(x.visual_frames) for x in blends} == {-2, -1, 1, 2}
    assert all(x.gate.length.shape == [3] and x.gate.length.numpy().max() >= 0.5 for x in blends)
    splices = [drawn(i, SPLICE, is_changed=True, is_fake=True) for i in range(60)]
    assert {13, 25} <= {abs(int(x.visual_frames)) for x in splices} <= set(range(13, 26))
    lengths = {int((x.forged(tf.constant(NUM_FRAMES)).numpy() > 0).sum()) for x in splices}
    assert lengths == set(range(1, 11))


def test_pixels_beside_the_mouth_and_samples_outside_the_gate_stay():
    draws = drawn(2, is_changed=True, is_fake=True)
    frames, waveform = changed_clip(draws)
    differ = frames != FRAMES
    assert differ[:, 40:66, 30:66].any()
    assert not differ[:, :6].any()
    assert not differ[:, :, :2].any()
    is_open = draws.weight((tf.range(WAVEFORM.size, dtype=tf.float32)) / 16_000).numpy() > 0
    assert 0 < is_open.mean() < 1
    np.testing.assert_array_equal(waveform[~is_open], WAVEFORM[~is_open])


def test_half_of_the_changed_clips_are_pseudo_fakes_and_both_kinds_occur():
    options = PseudoFakes(share=0.5)
    draws = [drawn(i, options) for i in range(400)]
    changed = np.array([bool(x.is_changed) for x in draws])
    fakes = np.array([bool(x.is_fake) for x in draws])
    blends = np.array([abs(int(x.visual_frames)) <= 2 for x in draws])
    # Within four standard errors of a half.
    for share in (changed.mean(), fakes[changed].mean(), blends.mean()):
        assert share == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("num_frames", [0, 1, 2, 13, 24, 26])
def test_a_clip_of_any_length_is_changed_only_if_it_is_longer_than_the_distance(num_frames):
    for i in range(8):
        draws = drawn(i, PseudoFakes(share=0.99), num_frames)
        assert not draws.is_changed or abs(int(draws.visual_frames)) < num_frames
        frames, waveform = pseudo_fakes.forge_clip(
            CLIP[0][:num_frames], CLIP[1][: num_frames * 640], draws=draws
        )
        assert frames.shape == (num_frames, 96, 96, 1)
        assert waveform.shape == (num_frames * 640,)
        assert draws.forged(tf.constant(num_frames)).shape == (num_frames,)


def test_inside_a_dataset_the_result_is_the_same():
    def change(i: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        options = PseudoFakes(share=0.9)
        draws = pseudo_fakes.draw(tf.constant(NUM_FRAMES), options=options, seed=tf.stack([1, i]))
        return pseudo_fakes.forge_clip(*CLIP, draws=draws)

    dataset = tf.data.Dataset.from_tensor_slices(tf.range(4)).map(change, num_parallel_calls=2)
    for i, (frames, waveform) in enumerate(dataset.as_numpy_iterator()):
        expected = changed_clip(drawn(i, PseudoFakes(share=0.9)))
        np.testing.assert_array_equal(frames, expected[0])
        np.testing.assert_array_equal(waveform, expected[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PseudoFakes(share=0.0), "share must lie between 0 and 1, got 0"),
        (PseudoFakes(share=1.0), "share must lie between 0 and 1, got 1"),
        (PseudoFakes(blend=-1.0), "must not be negative"),
        (PseudoFakes(blend=0.0, splice=0.0), "one of them must be above 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        pseudo_fakes.require_valid(options)
