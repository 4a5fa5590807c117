"""The sound of a clip: its speed and room, its voice and channel, its gain."""

from functools import partial

import tensorflow as tf

from avsync.pp.augment import room, timing, voice
from avsync.pp.augment.draws import Draws
from avsync.units import INT16_SCALE


def change(waveform: tf.Tensor, *, draws: Draws) -> tf.Tensor:
    """int16 [640 n] to float32 [640 t], t frames as in `timing.shown_frames`; as loud as it was."""
    samples = tf.cast(waveform, tf.float32)
    if not draws.has(*room.OPS, *voice.OPS):
        return samples

    def changed() -> tf.Tensor:
        heard = samples
        if draws.has(*room.TRANSFORMED):
            slowness = timing.slowness(draws)
            heard = tf.cond(
                draws.any_chosen(*room.TRANSFORMED),
                lambda: room.place(samples, slowness=slowness, draws=draws),
                lambda: samples,
            )
        add_noise = partial(room.add_noise, power=tf.reduce_mean(tf.square(samples)))
        heard = draws.apply("sound_noise", add_noise, heard)
        if draws.has(*voice.OPS):
            heard = tf.cond(
                draws.any_chosen(*voice.OPS),
                lambda: voice.shape(heard, draws=draws),
                lambda: heard,
            )
        return heard * tf.math.divide_no_nan(_level(samples), _level(heard))

    return tf.cond(draws.any_chosen(*room.OPS, *voice.OPS), changed, lambda: samples)


def gain(waveform: tf.Tensor, *, low_db: float, high_db: float, seed: tf.Tensor) -> tf.Tensor:
    """int16 samples scaled by a gain between `low_db` and `high_db`, saturating."""
    gain_db = tf.random.stateless_uniform([], seed, low_db, high_db)
    samples = tf.cast(waveform, tf.float32) * tf.pow(10.0, gain_db / 20)
    limit = float(INT16_SCALE)
    return tf.cast(tf.clip_by_value(tf.round(samples), -limit, limit - 1), tf.int16)


def _level(samples: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_mean(tf.square(samples)))
