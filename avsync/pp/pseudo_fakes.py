"""Pseudo-fakes: real clips whose lips and sound are moved against each other for moments.

The kinds are those of AVPF (arXiv 2604.09110): a clip is blended with itself a few frames away, or
a moment of it is replaced by another one. AVPF calls a clip with such a change fake and leaves the
real ones alone, so that the change itself gives the fakes away, in the picture and in the sound.
(With reals left alone bit for bit, and nothing encoded, the largest change between frames alone
still ranked the pseudo-fakes of 120 GRID clips with an AUC of 0.73, their level with 0.56.)

Here both streams of both classes are changed: in a real clip they move together and stay in sync;
in a pseudo-fake the sound moves the other way. Gate, mask, distance and the sign of either stream
have the same distribution in both classes, and so has every property of either stream alone.

Clips that are not chosen pass through the same arithmetic with weight 0 and come out bit for bit.
Nothing is encoded or resampled: moving the frames of a complex short-time spectrum by whole hops
and adding them up again gives the moved sound itself, so no spectrum is needed.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from avsync.units import CROP_PIXELS, FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

# AVPF: gates of U(0.5, 1.5) s that begin every second, each open with probability 0.6.
GATE_SECONDS = (0.5, 1.5)
GATE_PROBABILITY = 0.6
BLEND_RAMP_SECONDS = 0.24  # half of AVPF's triangle of 13 frames
# AVPF moves the picture by 2 frames, or the sound by 20 to 50 ms. The streams of a pseudo-fake move
# both, in opposite directions, and are 2 or 4 frames apart.
BLEND_FRAMES = (1, 2)

# AVPF replaces one frame by one that is 0.5 to 1 s away.
SPLICE_FRAMES = (FRAMES_PER_SECOND // 2 + 1, FRAMES_PER_SECOND)
SPLICE_LENGTHS = (1, 10)
SPLICE_RAMP_SECONDS = 0.005  # without a fade the joins click

# The middle of the mouth in a crop and its half axes, in pixels. Crops are aligned by landmarks.
MOUTH_CENTRE, MOUTH_AXES = (53.0, 48.0), (25.0, 36.0)
MASK_KNOTS = 5
MASK_NOISE = 0.15  # standard deviation of the mask's radius, relative to it
MASK_SOFTNESS = 0.35  # width of the mask's border, relative to its radius


class PseudoFakes(NamedTuple):
    """How many clips are changed, and how.

    share: fraction of the clips that are changed; half of them are pseudo-fakes.
    blend, splice: relative frequency of each kind; 0: never.
    """

    share: float = 0.5
    blend: float = 1.0
    splice: float = 1.0


class Gate(NamedTuple):
    """Windows in which a change is on, in seconds: float32 [n] each, and how long they open."""

    start: tf.Tensor
    length: tf.Tensor
    ramp: tf.Tensor

    def at(self, seconds: tf.Tensor) -> tf.Tensor:
        """The weight at these times, 0 to 1, float32 [t]; windows open and close smoothly."""
        since = seconds[:, None] - self.start
        edge = tf.clip_by_value(tf.minimum(since, self.length - since) / self.ramp, 0, 1)
        return tf.reduce_max(edge * edge * (3 - 2 * edge), axis=1)


class Draws(NamedTuple):
    """The random choices for one clip; scalars but for the gate and the seed.

    is_changed: bool; False for a clip that stays as it is.
    is_fake: bool; whether the sound moves against the picture. Without effect if nothing moves.
    visual_frames: int32, how many frames later the moved picture is from.
    """

    is_changed: tf.Tensor
    is_fake: tf.Tensor
    visual_frames: tf.Tensor
    gate: Gate
    mask_seed: tf.Tensor

    @property
    def audio_frames(self) -> tf.Tensor:
        """How many frames later the moved sound is from."""
        return tf.where(self.is_fake, -self.visual_frames, self.visual_frames)

    def weight(self, seconds: tf.Tensor) -> tf.Tensor:
        """The weight of the change at these times, float32 [t]; 0 in a clip that stays."""
        return self.gate.at(seconds) * tf.cast(self.is_changed, tf.float32)

    def forged(self, num_frames: tf.Tensor) -> tf.Tensor:
        """How far each frame is forged, float32 [t] from 0 to 1; all 0 unless a pseudo-fake."""
        return self.weight(_middles(num_frames)) * tf.cast(self.is_fake, tf.float32)


def require_valid(options: PseudoFakes) -> None:
    """ValueError names an option out of range."""
    share, *weights = options
    if not 0 < share < 1:
        raise ValueError(
            f"config.data.pseudo_fakes.share must lie between 0 and 1, got {share:g}: the loss "
            "needs clips that are changed and clips that are not"
        )
    if min(weights) < 0 or not any(weights):
        raise ValueError(
            "config.data.pseudo_fakes.blend and .splice must not be negative, and one of them must "
            f"be above 0; got {options.blend:g} and {options.splice:g}"
        )


def draw(num_frames: tf.Tensor, *, options: PseudoFakes, seed: tf.Tensor) -> Draws:
    """The choices for a clip of `num_frames` frames."""
    seeds = tf.random.split(seed, 4)
    change, fake, kind, sign = tf.unstack(tf.random.stateless_uniform([4], seeds[0]))
    is_blend = kind < options.blend / (options.blend + options.splice)
    blend, blend_frames = _blend(num_frames, seeds[1])
    splice, splice_frames = _splice(num_frames, seeds[2])
    distance = tf.where(is_blend, blend_frames, splice_frames)
    return Draws(
        is_changed=(change < options.share) & (num_frames > tf.abs(distance)),
        is_fake=fake < 0.5,
        visual_frames=distance * tf.where(sign < 0.5, -1, 1),
        gate=tf.cond(is_blend, lambda: blend, lambda: splice),
        mask_seed=seeds[3],
    )


def forge_clip(
    frames: tf.Tensor, waveform: tf.Tensor, *, draws: Draws
) -> tuple[tf.Tensor, tf.Tensor]:
    """uint8 [t 96 96 1] and int16 [640 t], changed as drawn: blended, rounded once."""
    num_frames = tf.shape(frames)[0]
    weight = draws.weight(_middles(num_frames))[:, None, None, None] * _mouth(draws.mask_seed)
    pixels, samples = tf.cast(frames, tf.float32), tf.cast(waveform, tf.float32)
    pixels += weight * (_moved(pixels, draws.visual_frames) - pixels)
    times = tf.range(tf.size(samples), dtype=tf.float32) / SAMPLE_RATE
    moved = _moved(samples, draws.audio_frames * SAMPLES_PER_FRAME)
    samples += draws.weight(times) * (moved - samples)
    return (
        tf.saturate_cast(tf.round(pixels), tf.uint8),
        tf.saturate_cast(tf.round(samples), tf.int16),
    )


def forge_features(
    visual: tf.Tensor, audio: tf.Tensor, *, draws: Draws
) -> tuple[tf.Tensor, tf.Tensor]:
    """Features [t d] of both streams, changed as drawn: exchanged where the gate is half open.

    They are not blended: a mean of two features is like no feature that the encoder gives.
    """
    is_moved = draws.weight(_middles(tf.shape(visual)[0])) >= 0.5
    return (
        tf.where(is_moved[:, None], _moved(visual, draws.visual_frames), visual),
        tf.where(is_moved[:, None], _moved(audio, draws.audio_frames), audio),
    )


def _blend(num_frames: tf.Tensor, seed: tf.Tensor) -> tuple[Gate, tf.Tensor]:
    """One window for each whole second of a clip, at least one of them open; and the distance."""
    seeds = tf.random.split(seed, 5)
    seconds = tf.cast(num_frames, tf.float32) / FRAMES_PER_SECOND
    count = tf.maximum(tf.cast(seconds, tf.int32), 1)
    phase = tf.random.stateless_uniform([], seeds[0]) * tf.minimum(0.5, seconds / 2)
    length = tf.random.stateless_uniform(count[None], seeds[1], *GATE_SECONDS)
    is_open = tf.random.stateless_uniform(count[None], seeds[2]) < GATE_PROBABILITY
    is_open |= tf.range(count) == _integer(0, count - 1, seeds[3])
    start = tf.range(count, dtype=tf.float32) + phase
    gate = Gate(start, tf.where(is_open, length, 0.0), tf.constant(BLEND_RAMP_SECONDS))
    return gate, _integer(*BLEND_FRAMES, seeds[4])


def _splice(num_frames: tf.Tensor, seed: tf.Tensor) -> tuple[Gate, tf.Tensor]:
    """One window of some whole frames, and the distance of what replaces them."""
    seeds = tf.random.split(seed, 3)
    length = tf.minimum(_integer(*SPLICE_LENGTHS, seeds[0]), num_frames)
    first = _integer(0, num_frames - length, seeds[1])
    start, length = (tf.cast(x, tf.float32)[None] / FRAMES_PER_SECOND for x in (first, length))
    return Gate(start, length, tf.constant(SPLICE_RAMP_SECONDS)), _integer(*SPLICE_FRAMES, seeds[2])


def _mouth(seed: tf.Tensor) -> tf.Tensor:
    """float32 [96 96 1], 0 to 1: a bent ellipse with a soft border, one for a clip."""
    noise = tf.random.stateless_normal([1, MASK_KNOTS, MASK_KNOTS, 1], seed)
    noise = tf.image.resize(noise, [CROP_PIXELS, CROP_PIXELS], "bicubic")[0]
    place = tf.range(CROP_PIXELS, dtype=tf.float32)
    y = (place - MOUTH_CENTRE[0])[:, None, None] / MOUTH_AXES[0]
    x = (place - MOUTH_CENTRE[1])[None, :, None] / MOUTH_AXES[1]
    radius = tf.sqrt(y * y + x * x) + MASK_NOISE * noise
    edge = tf.clip_by_value((1 + MASK_SOFTNESS / 2 - radius) / MASK_SOFTNESS, 0, 1)
    return edge * edge * (3 - 2 * edge)


def _moved(stream: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
    """`stream` [t ...] from `distance` later on, mirrored at its ends.

    Repeating the last frame there would be a still picture and a click.
    """
    last = tf.shape(stream)[0] - 1
    index = tf.abs(tf.range(last + 1) + distance)
    return tf.gather(stream, tf.clip_by_value(last - tf.abs(last - index), 0, last))


def _middles(num_frames: tf.Tensor) -> tf.Tensor:
    """The middle of each frame, in seconds."""
    return (tf.range(tf.cast(num_frames, tf.float32)) + 0.5) / FRAMES_PER_SECOND


def _integer(low: Any, high: Any, seed: tf.Tensor) -> tf.Tensor:
    """Uniform in [low, high], int32."""
    return tf.random.stateless_uniform([], seed, low, high + 1, tf.int32)
