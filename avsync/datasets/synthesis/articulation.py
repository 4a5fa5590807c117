"""Articulation over time: random syllables and pauses with coarticulation, and slow random drift.

Sound (speech.py) and video (mouth.py) are both functions of these trajectories, so the lips of a
synthetic talker pick out their own sound.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from avsync.datasets.synthesis.phones import CONSONANTS, VOWELS, Phone
from avsync.units import FRAMES_PER_SECOND

# 5 ms: fine enough for the release of a stop, and a whole number of steps (8) per video frame.
STEPS_PER_SECOND = 200
STEPS_PER_FRAME = STEPS_PER_SECOND // FRAMES_PER_SECOND

# Inertia of the articulators, as the standard deviation in seconds of the Gaussian that smooths
# their targets: lips close fast, the jaw is heavy, and rounding starts well before its sound.
SMOOTHING_SECONDS = {
    "jaw": 0.028,
    "spread": 0.034,
    "closure": 0.013,
    "front": 0.024,
    "tip": 0.014,
    "voicing": 0.007,
    "noise": 0.004,
    "nasal": 0.010,
    "oral": 0.004,
    "stress": 0.040,
}

Trajectory = Float[np.ndarray, " n"]


@dataclasses.dataclass(frozen=True)
class Articulation:
    """Trajectories of n steps at `STEPS_PER_SECOND`.

    Units and ranges are those of `Phone`; closure is at most 1. noise and noise_hertz describe the
    current hiss, nasal is 1 while air leaves through the nose, oral is 0 while none leaves through
    the mouth, stress is the loudness of the syllable, pitch is a factor around 1.
    """

    jaw: Trajectory
    spread: Trajectory
    closure: Trajectory
    front: Trajectory
    tip: Trajectory
    voicing: Trajectory
    noise: Trajectory
    noise_hertz: Trajectory
    nasal: Trajectory
    oral: Trajectory
    stress: Trajectory
    pitch: Trajectory

    @property
    def aperture(self) -> Trajectory:
        """Opening of the lips, 0 to about 1: it is visible, and it shapes the sound."""
        rounding = np.clip(-self.spread, 0, 1)
        return (0.1 + 0.9 * self.jaw) * (1 - self.closure) * (1 - 0.35 * rounding)


def articulate(rng: np.random.Generator, *, num_frames: int, speaking_rate: float) -> Articulation:
    """A random utterance as long as the clip: phrases of syllables, with pauses between them."""
    num_steps = num_frames * STEPS_PER_FRAME
    sounds = _plan(rng, seconds=num_frames / FRAMES_PER_SECOND, speaking_rate=speaking_rate)
    starts = np.cumsum([0, *(phone.seconds for phone, _ in sounds)]) * STEPS_PER_SECOND
    starts = np.round(starts).astype(int)
    targets = {
        name: hold([getattr(phone, name) for phone, _ in sounds], starts, num_steps)
        for name in ("jaw", "spread", "closure", "front", "tip", "voicing")
    }
    targets["noise"], targets["noise_hertz"] = _hiss(sounds, starts, num_steps)
    targets["nasal"] = hold([float(phone.is_nasal) for phone, _ in sounds], starts, num_steps)
    blocked = [phone.is_nasal or phone.is_stop for phone, _ in sounds]
    targets["oral"] = hold([1.0 - is_blocked for is_blocked in blocked], starts, num_steps)
    targets["stress"] = hold([stress for _, stress in sounds], starts, num_steps)
    smooth = {
        name: gaussian_filter1d(target, SMOOTHING_SECONDS[name] * STEPS_PER_SECOND, mode="nearest")
        if name in SMOOTHING_SECONDS
        else target
        for name, target in targets.items()
    }
    smooth["closure"] = np.clip(smooth["closure"], 0, 1)
    return Articulation(**smooth, pitch=_intonation(rng, num_steps))


def slow_drift(
    rng: np.random.Generator, num_frames: int, *, seconds: float
) -> Float[np.ndarray, " t"]:
    """A smooth random path per video frame, for heads, light and idle lips.

    It has mean 0, standard deviation 1 and a correlation time of about `seconds`.
    """
    width = seconds * FRAMES_PER_SECOND / 2
    margin = int(4 * width) + 1  # so that the path varies as much at its ends as in the middle
    path = gaussian_filter1d(rng.normal(size=num_frames + 2 * margin), width)[margin:-margin]
    # A Gaussian filter of this width keeps 1 / (2 sqrt(pi) width) of the variance of white noise.
    return path * np.sqrt(2 * np.sqrt(np.pi) * width)


def _plan(
    rng: np.random.Generator, *, seconds: float, speaking_rate: float
) -> list[tuple[Phone, float]]:
    """Phones with their stress, for at least `seconds`: pause, phrase, pause, phrase, ..."""
    sounds: list[tuple[Phone, float]] = []
    length = 0.0

    def say(phone: Phone, phone_seconds: float, stress: float) -> None:
        nonlocal length
        sounds.append((phone._replace(seconds=phone_seconds), stress))
        length += phone_seconds

    pause_seconds = rng.uniform(0.04, 0.35)
    while length < seconds:
        say(_pause(rng), pause_seconds, 0.6)
        for _ in range(rng.integers(4, 11)):
            stress = rng.uniform(0.5, 1.0)
            for phone in _syllable(rng):
                pace = rng.uniform(0.8, 1.3) * (0.8 + 0.4 * stress) / speaking_rate
                # No two realisations of a phone are the same.
                reduced = phone
                if phone.jaw is not None:
                    reduced = reduced._replace(jaw=phone.jaw * rng.uniform(0.75, 1.1))
                if phone.spread is not None:
                    reduced = reduced._replace(spread=phone.spread * rng.uniform(0.7, 1.1))
                say(reduced, phone.seconds * pace, stress)
        pause_seconds = rng.uniform(0.10, 0.40)
    return sounds


def _pause(rng: np.random.Generator) -> Phone:
    """Silence with closed lips, or with an open mouth, as when breathing."""
    if rng.uniform() < 0.5:
        return Phone(0.2, jaw=0.05, spread=0.0, closure=0.9, front=0.5)
    return Phone(0.2, jaw=rng.uniform(0.1, 0.7), spread=rng.uniform(-0.4, 0.4), front=0.5)


def _syllable(rng: np.random.Generator) -> list[Phone]:
    consonants, vowels = list(CONSONANTS.values()), list(VOWELS.values())
    phones = [vowels[rng.integers(len(vowels))]]
    if rng.uniform() < 0.9:
        phones.insert(0, consonants[rng.integers(len(consonants))])
    if rng.uniform() < 0.25:
        phones.append(consonants[rng.integers(len(consonants))])
    return phones


def hold(values: list[float | None], starts: np.ndarray, num_steps: int) -> Trajectory:
    """Each value for the length of its phone; None is interpolated between its neighbours."""
    steps = np.arange(num_steps)
    index = np.searchsorted(starts, steps, side="right") - 1
    known = [i for i, value in enumerate(values) if value is not None]
    edges = [edge for i in known for edge in (starts[i], starts[i + 1] - 1)]
    levels = [value for value in values if value is not None for _ in range(2)]
    free = np.array([value is None for value in values])
    fixed = np.array([0.0 if value is None else value for value in values])
    return np.where(free[index], np.interp(steps, edges, levels), fixed[index])


def _hiss(
    sounds: list[tuple[Phone, float]], starts: np.ndarray, num_steps: int
) -> tuple[Trajectory, Trajectory]:
    """Strength and centre frequency of hiss: during a fricative, and at the release of a stop."""
    noise, hertz = np.zeros(num_steps), np.full(num_steps, 2500.0)
    for (phone, stress), start, end in zip(sounds, starts, starts[1:], strict=False):
        # The burst of a voiceless stop lasts 15 ms, its aspiration a little longer.
        first = end - 3 if phone.is_stop else start
        last = end + 2 if phone.is_stop else end
        noise[first:last] += phone.noise * stress
        hertz[first:last] = phone.noise_hertz
    return noise, hertz


def _intonation(rng: np.random.Generator, num_steps: int) -> Trajectory:
    """Pitch factor that varies by a few semitones within about a second."""
    drift = gaussian_filter1d(rng.normal(size=num_steps), 0.12 * STEPS_PER_SECOND, mode="wrap")
    return np.exp(0.12 * drift / (drift.std() + 1e-9))
