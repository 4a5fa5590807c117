"""No op moves the A/V offset, measured without a model on lips that follow the loudness."""

import numpy as np
import pytest
import tensorflow as tf

from avsync.pp import augment
from avsync.pp.augment.draws import GEOMETRY, OPS
from avsync.pp.augmentation import STRANGERS, Augmentation
from avsync.units import SAMPLES_PER_FRAME
from tests.pp.augment.clips import late_frames, talker

NUM_FRAMES = 100
SEEDS = range(6)

NONE = Augmentation()._replace(probability=1.0)
ALONE = {op: NONE._replace(**{op: getattr(STRANGERS, op)}) for op in OPS if op not in GEOMETRY} | {
    "geometry": NONE._replace(**{op: getattr(STRANGERS, op) for op in GEOMETRY}),
    "all": STRANGERS._replace(probability=1.0),
    "some": STRANGERS._replace(probability=0.5),
}


def augmented(clip, options: Augmentation, i: int) -> tuple[np.ndarray, np.ndarray]:
    frames, waveform = clip
    seed = tf.constant([3, i])
    shown = augment.shown_frames(tf.constant(len(frames)), augmentation=options, seed=seed)
    changed = augment.augment(
        tf.gather(frames, shown), tf.constant(waveform), augmentation=options, seed=seed
    )
    return changed[0].numpy(), changed[1].numpy()


@pytest.mark.parametrize("late", [-2, 0, 1])
def test_the_measure_finds_a_known_offset(late):
    frames, waveform = talker(num_frames=NUM_FRAMES, seed=0)
    moved = np.roll(waveform, late * SAMPLES_PER_FRAME)
    assert late_frames(frames, moved) == pytest.approx(late, abs=0.07)


@pytest.mark.parametrize("name", ALONE)
def test_no_op_moves_the_sound_against_the_lips(name):
    moved = []
    for i in SEEDS:
        clip = talker(num_frames=NUM_FRAMES, seed=i)
        frames, waveform = augmented(clip, ALONE[name], i)
        assert len(waveform) == SAMPLES_PER_FRAME * len(frames)
        moved.append(late_frames(frames, waveform) - late_frames(*clip))
    assert np.abs(moved).max() <= 0.25, moved
    assert abs(np.mean(moved)) <= 0.13, moved
