"""The frames that each trimming rule cuts, equally from both streams."""

import librosa
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from avsync.pp import frames as pp_frames
from avsync.pp import silence
from avsync.units import SAMPLES_PER_FRAME

SEED = tf.constant([3, 4])


def clip(num_frames: int, *, silent_samples: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Frames that carry their own number, and a loud sound after some digital silence."""
    frames = np.arange(num_frames, dtype=np.uint8).reshape(-1, 1, 1, 1)
    waveform = np.full(num_frames * SAMPLES_PER_FRAME, 1000, np.int16)
    waveform[:silent_samples] = 0
    return frames, waveform


def trim(name: str, frames: np.ndarray, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = silence.rule(name)(tf.constant(waveform), SEED)
    cut_frames, cut_waveform = pp_frames.cut(kept, tf.constant(frames), tf.constant(waveform))
    return cut_frames.numpy(), cut_waveform.numpy()


@pytest.mark.parametrize(
    ("silent_samples", "frames_cut"),
    [(0, 0), (1, 1), (639, 1), (640, 2), (641, 2), (6400, 11)],
)
def test_leading_silence_is_cut_with_the_frame_in_which_sound_starts(silent_samples, frames_cut):
    frames, waveform = clip(20, silent_samples=silent_samples)
    cut_frames, cut_waveform = trim("leading", frames, waveform)
    assert cut_frames[0, 0, 0, 0] == frames_cut
    assert len(cut_waveform) == (20 - frames_cut) * SAMPLES_PER_FRAME


def test_inserted_silence_of_400_ms_is_cut_from_both_streams():
    frames, waveform = clip(20)
    inserted = 10  # 0.4 s
    frames = np.concatenate([np.full_like(frames[:inserted], 99), frames])
    waveform = np.concatenate([np.zeros(inserted * SAMPLES_PER_FRAME, np.int16), waveform])
    cut_frames, cut_waveform = trim("leading", frames, waveform)
    # i = 6400 samples: 6400 // 640 + 1 = 11 frames, so the first frame of the sound goes too.
    assert cut_frames[0, 0, 0, 0] == 1
    assert len(cut_frames) == 19
    assert len(cut_waveform) == 19 * SAMPLES_PER_FRAME


def test_sound_starts_above_five_ten_thousandths_of_full_scale():
    _, waveform = clip(4)
    waveform[:] = 17  # 17 / 32768 = 5.19e-4
    waveform[:700] = -16  # 4.88e-4
    assert int(silence.leading_samples(tf.constant(waveform))) == 700


def test_the_most_negative_sample_counts_as_sound():
    waveform = np.full(SAMPLES_PER_FRAME, -32768, np.int16)
    assert int(silence.leading_samples(tf.constant(waveform))) == 0


@pytest.mark.parametrize("name", ["leading", "both_ends", "jitter"])
def test_nothing_is_kept_of_a_silent_clip(name):
    frames, waveform = trim(name, *clip(5, silent_samples=5 * SAMPLES_PER_FRAME))
    assert len(frames) == 0
    assert len(waveform) == 0


@settings(deadline=None, max_examples=25)
@given(
    silent_samples=st.integers(0, 12 * SAMPLES_PER_FRAME),
    name=st.sampled_from(["leading", "both_ends"]),
)
def test_trimming_twice_equals_trimming_once(silent_samples, name):
    once = trim(name, *clip(12, silent_samples=silent_samples))
    twice = trim(name, *once)
    np.testing.assert_array_equal(twice[0], once[0])
    np.testing.assert_array_equal(twice[1], once[1])


@settings(deadline=None, max_examples=25)
@given(
    silent_samples=st.integers(0, 10 * SAMPLES_PER_FRAME),
    name=st.sampled_from(sorted(silence.RULES)),
)
def test_every_rule_keeps_frames_together_with_their_own_samples(silent_samples, name):
    frames, waveform = clip(10, silent_samples=silent_samples)
    waveform = np.where(waveform == 0, 0, 1000 + np.arange(len(waveform))).astype(np.int16)
    cut_frames, cut_waveform = trim(name, frames, waveform)
    assert len(cut_waveform) == len(cut_frames) * SAMPLES_PER_FRAME
    for i, number in enumerate(cut_frames[:, 0, 0, 0].tolist()):
        own = waveform[number * SAMPLES_PER_FRAME : (number + 1) * SAMPLES_PER_FRAME]
        np.testing.assert_array_equal(
            cut_waveform[i * SAMPLES_PER_FRAME : (i + 1) * SAMPLES_PER_FRAME], own
        )


def test_both_ends_mirrors_the_leading_rule_at_the_end():
    frames, waveform = clip(10, silent_samples=640)
    waveform[-1300:] = 0
    cut_frames, _ = trim("both_ends", frames, waveform)
    assert cut_frames[:, 0, 0, 0].tolist() == [2, 3, 4, 5, 6]  # 1300 // 640 + 1 = 3 from the end


def test_jitter_cuts_up_to_five_frames_more_than_leading():
    _, waveform = clip(20, silent_samples=100)
    starts = set()
    for i in range(60):
        kept = silence.rule("jitter")(tf.constant(waveform), tf.constant([7, i]))
        starts.add(int(kept.first))
        assert int(kept.end) == 20
    assert starts == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("seed", range(4))
def test_energy_bounds_equal_librosas(seed):
    random = np.random.default_rng(seed)
    envelope = np.repeat(random.choice([0.0, 1e-5, 1e-3, 0.5], 40), 640)
    waveform = (random.normal(size=len(envelope)) * envelope * 8000).astype(np.int16)
    _, expected = librosa.effects.trim(waveform / np.float32(32768))
    first, end = silence.energy_bounds(tf.constant(waveform))
    assert (int(first), int(end)) == tuple(expected)


def test_rules_give_the_same_result_inside_a_dataset():
    _, waveform = clip(12, silent_samples=1000)
    for name in silence.RULES:
        dataset = tf.data.Dataset.from_tensors(waveform).map(
            lambda w, n=name: silence.rule(n)(w, SEED)
        )
        inside = next(dataset.as_numpy_iterator())
        eager = silence.rule(name)(tf.constant(waveform), SEED)
        assert tuple(int(x) for x in inside) == tuple(int(x) for x in eager)


def test_an_unknown_rule_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="did you mean 'leading'"):
        silence.rule("leadin")
