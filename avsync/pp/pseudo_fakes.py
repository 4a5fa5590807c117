"""Pseudo-fakes: real clips whose lips and sound are moved against each other for moments.

The three kinds are those of AVPF (arXiv 2604.09110), made without its leak. There, fakes went
through another encoder and a vocoder, and reals did not. Here, every clip goes through the same
arithmetic, and the weight of each blend is 0 in a real clip: it comes out bit for bit as it went
in. Nothing is encoded or resampled. Shifting the frames of a complex short-time spectrum by whole
hops and adding them up again is the shifted sound itself; so the sound is blended with itself in
time, and no round trip through a spectrum is needed.

All is a pure function of the clip and its seed.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from avsync.units import CROP_PIXELS, FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

# AVPF: gates of U(0.5, 1.5) s that begin every second, each open with probability 0.6.
GATE_SECONDS = (0.5, 1.5)
GATE_PROBABILITY = 0.6
RAMP_SECONDS = 0.24  # half of AVPF's triangle of 13 frames

# AVPF: by how much a stream is moved, with either sign. The ratios are drawn with equal probability.
VISUAL_SHIFT_FRAMES = 2
VISUAL_RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
AUDIO_SHIFT_SECONDS = (0.02, 0.05)
# Features have no finer step than a frame.
AUDIO_SHIFT_FRAMES = (1, 2)

# AVPF: the frame that replaces another is 0.5 to 1 s away from it.
SPLICE_DISTANCE_FRAMES = (FRAMES_PER_SECOND // 2 + 1, FRAMES_PER_SECOND)
# Inside the 40 ms: without a fade the joins click.
SPLICE_FADE_SAMPLES = SAMPLE_RATE // 200

# The middle of the mouth in a crop and its half axes, in pixels. Crops are aligned by landmarks.
MOUTH_CENTRE, MOUTH_AXES = (53.0, 48.0), (25.0, 36.0)
MASK_KNOTS = 5
MASK_NOISE = 0.15  # standard deviation of the mask's radius, relative to it
MASK_SOFTNESS = 0.35  # width of the mask's border, relative to its radius


class PseudoFakes(NamedTuple):
    """How many clips become pseudo-fakes, and of which kinds.

    share: fraction of the clips.
    visual_blend, audio_blend, splice: relative frequency of each kind; 0: never.
    """

    share: float = 0.5
    visual_blend: float = 1.0
    audio_blend: float = 1.0
    splice: float = 1.0


class Gate(NamedTuple):
    """Windows in which a blend is on, in seconds: float32 [n] each, some of length 0."""

    start: tf.Tensor
    length: tf.Tensor

    def at(self, seconds: tf.Tensor) -> tf.Tensor:
        """The weight at these times, 0 to 1, float32 [t]; windows open and close smoothly."""
        since = seconds[:, None] - self.start
        edge = tf.clip_by_value(tf.minimum(since, self.length - since) / RAMP_SECONDS, 0, 1)
        return tf.reduce_max(edge * edge * (3 - 2 * edge), axis=1)


class Draws(NamedTuple):
    """The random choices for one clip.

    visual, audio, splice: float32 scalars, the weight of each kind: all 0 in a real clip; one of
      them is 1 in a pseudo-fake.
    sign: +1 or -1, the direction of shifts.
    """

    visual: tf.Tensor
    audio: tf.Tensor
    splice: tf.Tensor
    gate: Gate
    sign: tf.Tensor
    seeds: tf.Tensor


def require_valid(options: PseudoFakes) -> None:
    """ValueError names an option out of range."""
    if not 0 < options.share < 1:
        raise ValueError(
            f"config.data.pseudo_fakes.share must lie between 0 and 1, got {options.share:g}: the "
            "loss needs both real clips and pseudo-fakes"
        )
    kinds = options._asdict()
    del kinds["share"]
    for name, weight in kinds.items():
        if weight < 0:
            raise ValueError(f"config.data.pseudo_fakes.{name} must not be negative, got {weight:g}")
    if not any(kinds.values()):
        raise ValueError(f"config.data.pseudo_fakes: one of {', '.join(kinds)} must be above 0")


def forge_clip(
    frames: tf.Tensor, waveform: tf.Tensor, *, options: PseudoFakes, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """uint8 [t 96 96 1] and int16 [640 t], forged or as they are, and how forged each frame is.

    The last is float32 [t] from 0 to 1: the weight of the gate at the frame. All 0: a real clip.
    """
    num_frames = tf.shape(frames)[0]
    draws = draw(num_frames, options=options, seed=seed)
    gate = draws.gate.at((tf.range(num_frames, dtype=tf.float32) + 0.5) / FRAMES_PER_SECOND)
    pixels = tf.cast(frames, tf.float32)
    samples = tf.cast(waveform, tf.float32)
    place, donor = _splice(pixels, draws.seeds[0])
    is_place = (tf.range(num_frames) == place) & (place != donor)
    at_place = draws.splice * tf.cast(is_place, tf.float32)

    shown = _reflected(tf.range(num_frames) + draws.sign * VISUAL_SHIFT_FRAMES, num_frames)
    weight = draws.visual * gate[:, None, None, None] * _mouth_mask(draws.seeds[1])
    blended = _blend(pixels, tf.gather(pixels, shown), weight)
    blended = _blend(blended, pixels[donor], at_place[:, None, None, None])

    sounds = _blend(samples, *_moved_sound(samples, draws))
    sounds = _blend(sounds, *_spliced_sound(samples, place, donor, at_place))
    forged = tf.maximum((draws.visual + draws.audio) * gate, at_place)
    return (
        tf.saturate_cast(tf.round(blended), tf.uint8),
        tf.saturate_cast(tf.round(sounds), tf.int16),
        forged,
    )


def forge_features(
    visual: tf.Tensor, audio: tf.Tensor, *, options: PseudoFakes, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Features [t d] of both streams, forged or as they are, and which frames are: float32 [t].

    The same kinds, but frames are exchanged and not blended: a mean of two features is shorter than
    both, and like no feature of a real clip, which alone would give it away. Gates are 0 or 1, and
    sound moves by whole frames.
    """
    num_frames = tf.shape(visual)[0]
    draws = draw(num_frames, options=options, seed=seed)
    frame = tf.range(num_frames)
    gate = draws.gate.at((tf.cast(frame, tf.float32) + 0.5) / FRAMES_PER_SECOND)
    is_open = tf.cast(gate >= 0.5, tf.int32)
    place, donor = _splice(visual, draws.seeds[0])
    is_spliced = (frame == place) & (place != donor) & (draws.splice > 0)
    shift = tf.random.stateless_uniform(
        [], draws.seeds[2], AUDIO_SHIFT_FRAMES[0], AUDIO_SHIFT_FRAMES[1] + 1, tf.int32
    )
    moved = []
    for stream, weight, step in (
        (visual, draws.visual, VISUAL_SHIFT_FRAMES),
        (audio, draws.audio, shift),
    ):
        moves = tf.cast(weight, tf.int32) * is_open * draws.sign * step
        index = tf.where(is_spliced, donor, _reflected(frame + moves, num_frames))
        moved.append(tf.gather(stream, index))
    forged = (draws.visual + draws.audio) * tf.cast(is_open, tf.float32)
    return *moved, tf.maximum(forged, tf.cast(is_spliced, tf.float32))


def draw(num_frames: tf.Tensor, *, options: PseudoFakes, seed: tf.Tensor) -> Draws:
    """The choices for a clip of `num_frames` frames."""
    seeds = tf.random.split(seed, 8)
    kinds = tf.constant([options.visual_blend, options.audio_blend, options.splice], tf.float32)
    which, is_fake, sign = tf.unstack(tf.random.stateless_uniform([3], seeds[0]))
    kind = tf.searchsorted(tf.cumsum(kinds / tf.reduce_sum(kinds))[:-1], [which], side="right")[0]
    weights = tf.one_hot(kind, 3) * tf.cast(is_fake < options.share, tf.float32)
    return Draws(
        *tf.unstack(weights),
        gate=_gate(tf.cast(num_frames, tf.float32) / FRAMES_PER_SECOND, seeds[1]),
        sign=tf.where(sign < 0.5, -1, 1),
        seeds=seeds[2:],
    )


def _gate(seconds: tf.Tensor, seed: tf.Tensor) -> Gate:
    """One window for each whole second of a clip, at least one of them open."""
    seeds = tf.random.split(seed, 4)
    count = tf.maximum(tf.cast(seconds, tf.int32), 1)
    shape = count[None]
    phase = tf.random.stateless_uniform([], seeds[0]) * tf.minimum(0.5, seconds / 2)
    length = tf.random.stateless_uniform(shape, seeds[1], *GATE_SECONDS)
    is_open = tf.random.stateless_uniform(shape, seeds[2]) < GATE_PROBABILITY
    sure = tf.random.stateless_uniform([], seeds[3], 0, count, tf.int32)
    is_open |= tf.range(count) == sure
    return Gate(
        start=tf.range(count, dtype=tf.float32) + phase,
        length=tf.where(is_open, length, 0.0),
    )


def _splice(visual: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A random frame, and the one most like it of those that are 0.5 to 1 s away.

    A clip that is too short for such a pair gives the same frame twice.
    """
    num_frames = tf.shape(visual)[0]
    nearest, farthest = SPLICE_DISTANCE_FRAMES
    frame = tf.range(num_frames)
    # Frames of the middle of a short clip have no other frame that far away.
    has_donor = tf.maximum(frame, num_frames - 1 - frame) >= nearest
    order = tf.random.stateless_uniform([num_frames], seed)
    place = tf.argmax(tf.where(has_donor, order, order - 1), output_type=tf.int32)
    distance = tf.abs(frame - place)
    change = tf.reshape(visual - visual[place], [num_frames, -1])
    difference = tf.reduce_mean(tf.abs(tf.cast(change, tf.float32)), axis=1)
    is_candidate = (distance >= nearest) & (distance <= farthest)
    best = tf.argmin(tf.where(is_candidate, difference, float("inf")), output_type=tf.int32)
    return place, tf.where(tf.reduce_any(is_candidate), best, place)


def _mouth_mask(seed: tf.Tensor) -> tf.Tensor:
    """float32 [96 96 1]: a smooth, bent ellipse over the mouth times its ratio, one for a clip."""
    seeds = tf.random.split(seed, 2)
    noise = tf.random.stateless_normal([1, MASK_KNOTS, MASK_KNOTS, 1], seeds[0])
    noise = tf.image.resize(noise, [CROP_PIXELS, CROP_PIXELS], "bicubic")[0]
    place = tf.range(CROP_PIXELS, dtype=tf.float32)
    y = (place - MOUTH_CENTRE[0])[:, None, None] / MOUTH_AXES[0]
    x = (place - MOUTH_CENTRE[1])[None, :, None] / MOUTH_AXES[1]
    radius = tf.sqrt(y * y + x * x) + MASK_NOISE * noise
    edge = tf.clip_by_value((1 + MASK_SOFTNESS / 2 - radius) / MASK_SOFTNESS, 0, 1)
    ratios = tf.constant(VISUAL_RATIOS)
    ratio = ratios[tf.random.stateless_uniform([], seeds[1], 0, len(VISUAL_RATIOS), tf.int32)]
    return ratio * edge * edge * (3 - 2 * edge)


def _moved_sound(samples: tf.Tensor, draws: Draws) -> tuple[tf.Tensor, tf.Tensor]:
    """The sound moved by 20 to 50 ms, and its weight at each sample."""
    index = tf.range(tf.size(samples))
    low, high = (int(seconds * SAMPLE_RATE) for seconds in AUDIO_SHIFT_SECONDS)
    shift = tf.random.stateless_uniform([], draws.seeds[2], low, high + 1, tf.int32)
    moved = tf.gather(samples, _reflected(index + draws.sign * shift, tf.size(samples)))
    return moved, draws.audio * draws.gate.at(tf.cast(index, tf.float32) / SAMPLE_RATE)


def _spliced_sound(
    samples: tf.Tensor, place: tf.Tensor, donor: tf.Tensor, at_place: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """At frame `place` the 40 ms of frame `donor`, at the level of those they replace."""
    by_frame = tf.reshape(samples, [-1, SAMPLES_PER_FRAME])
    # + 1: digital silence has no level to divide by.
    power = tf.reduce_mean(tf.square(by_frame), axis=1) + 1
    insert = by_frame[donor] * tf.sqrt(power[place] / power[donor])
    ramp = (tf.range(SAMPLES_PER_FRAME, dtype=tf.float32) + 0.5) / SPLICE_FADE_SAMPLES
    fade = tf.minimum(tf.minimum(ramp, ramp[::-1]), 1)
    weight = at_place[:, None] * fade
    return tf.tile(insert, [tf.shape(by_frame)[0]]), tf.reshape(weight, [-1])


def _blend(own: tf.Tensor, other: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """`own` exactly where the weight is 0, `other` where it is 1."""
    return own + weight * (other - own)


def _reflected(index: tf.Tensor, length: Any) -> tf.Tensor:
    """Indices beyond the ends, turned back: a clamped index would show a still picture there."""
    last = length - 1
    return tf.clip_by_value(last - tf.abs(last - tf.abs(index)), 0, last)
