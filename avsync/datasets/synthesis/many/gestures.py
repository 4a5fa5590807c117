"""The utterance of a clip, as trajectories of the mouth and of the sources of sound.

The lips of the picture and the sound are functions of the same trajectories, so that lips pick out
their own sound.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from avsync.datasets.synthesis.articulation import STEPS_PER_SECOND, Trajectory, hold
from avsync.datasets.synthesis.many.language import Language, Syllable
from avsync.datasets.synthesis.many.person import Habits
from avsync.datasets.synthesis.many.sounds import Target

# Inertia as the standard deviation, in seconds, of the Gaussian that smooths the targets. Lips
# close fast, the jaw is heavy, rounding starts well before its sound, and the glottis is quick.
VISIBLE_SECONDS = {
    "jaw": 0.030,
    "spread": 0.036,
    "closure": 0.014,
    "tuck": 0.018,
    "front": 0.024,
    "tip": 0.016,
}
AUDIBLE_SECONDS = {
    "f1": 0.014,
    "f2": 0.018,
    "f3": 0.018,
    "voicing": 0.006,
    "breath": 0.010,
    "hiss": 0.004,
    "hiss_hertz": 0.010,
    "nasal": 0.010,
    "bar": 0.006,
}
STRESS_SECONDS = 0.040

NEUTRAL_HERTZ = {"f1": 500.0, "f2": 1500.0, "f3": 2500.0}

# The lips part for the first sound of a phrase before it is heard.
PREPARATION_SECONDS = (0.04, 0.15)


class Gestures(NamedTuple):
    """Trajectories of n steps at `STEPS_PER_SECOND`; units and ranges are those of `Target`.

    stress is the loudness of the syllable, 0 to 1; pitch is a factor around 1.
    """

    jaw: Trajectory
    spread: Trajectory
    closure: Trajectory
    tuck: Trajectory
    front: Trajectory
    tip: Trajectory
    f1: Trajectory
    f2: Trajectory
    f3: Trajectory
    voicing: Trajectory
    breath: Trajectory
    hiss: Trajectory
    hiss_hertz: Trajectory
    nasal: Trajectory
    bar: Trajectory
    stress: Trajectory
    pitch: Trajectory

    @property
    def aperture(self) -> Trajectory:
        """Opening of the lips, 0 to about 1: it is visible, and it shapes the sound."""
        rounding = np.clip(-self.spread, 0, 1)
        return (0.08 + 0.92 * self.jaw) * (1 - self.closure) * (1 - 0.35 * rounding)


class _Score:
    """Targets in time, with their stress, and the places of accents and phrases."""

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.stress: list[float] = []
        self.seconds = 0.0
        self.accents: list[tuple[float, float]] = []
        self.phrases: list[tuple[float, float]] = []

    def add(self, target: Target, stress: float) -> None:
        self.targets.append(target)
        self.stress.append(stress)
        self.seconds += target.seconds


def perform(
    language: Language, habits: Habits, rng: np.random.Generator, *, num_steps: int
) -> Gestures:
    """A random utterance that begins and ends with silence, or is cut off by the end."""
    seconds = num_steps / STEPS_PER_SECOND
    score = _Score()
    _pause(score, rng.uniform(0.05, 0.5), habits, rng)
    last_second = seconds - rng.choice([0.0, rng.uniform(0, 0.5)])
    while score.seconds < last_second:
        _phrase(score, language, habits, rng, last_second)
        _pause(score, habits.pause_seconds * rng.uniform(0.4, 1.6), habits, rng)
    _pause(score, max(seconds - score.seconds, 0.0) + 0.3, habits, rng)
    return _trajectories(score, habits, rng, num_steps)


def _phrase(
    score: _Score, language: Language, habits: Habits, rng: np.random.Generator, last_second: float
) -> None:
    start = score.seconds
    for index in rng.choice(len(language.words), rng.integers(2, 8), p=language.frequencies):
        for syllable in language.words[index]:
            _say(score, syllable, language, habits, rng)
        if score.seconds > last_second:
            break
    score.phrases.append((start, score.seconds))


def _say(
    score: _Score, syllable: Syllable, language: Language, habits: Habits, rng: np.random.Generator
) -> None:
    weak = language.reduction * 2 * (1 - syllable.stress)  # 0 to 0.7
    pace = rng.uniform(0.85, 1.25) * (1 - 0.3 * weak) / habits.rate
    start = score.seconds
    for target in syllable.targets:
        # No two realisations of a sound are the same. A smaller opening has a lower first formant.
        size = rng.uniform(0.75, 1.1) * (1 - 0.3 * weak)
        changes = {"seconds": target.seconds * pace * rng.uniform(0.85, 1.15)}
        if target.jaw is not None:
            changes["jaw"] = target.jaw * size
        if target.spread is not None:
            changes["spread"] = target.spread * rng.uniform(0.7, 1.1) * (1 - 0.3 * weak)
        if target.voicing == 1.0:
            for name, neutral in NEUTRAL_HERTZ.items():
                hertz = getattr(target, name)
                changes[name] = hertz + 0.4 * weak * (neutral - hertz)
            changes["f1"] *= 1 + 0.5 * (size - 1)
        score.add(target._replace(**changes), syllable.stress * rng.uniform(0.8, 1.1))
    if syllable.stress == 1.0:
        score.accents.append(((start + score.seconds) / 2, rng.uniform(0.2, 1.2)))


def _pause(score: _Score, seconds: float, habits: Habits, rng: np.random.Generator) -> None:
    """Lips at rest, perhaps a breath with an open mouth, then those of the next sound."""
    if habits.parted:
        rest = Target(seconds, jaw=habits.parted, spread=0.0, front=0.5)
    else:
        rest = Target(seconds, jaw=0.05, spread=0.0, closure=0.97, front=0.5)
    rest = rest._replace(spread=rng.uniform(-0.1, 0.25), **NEUTRAL_HERTZ)
    prepared = min(rng.uniform(*PREPARATION_SECONDS), 0.6 * seconds)
    breath = 0.0
    if seconds > 0.2 and rng.uniform() < habits.breathing:
        breath = rng.uniform(0.3, 0.6) * seconds
    score.add(rest._replace(seconds=max(seconds - prepared - breath, 0.01)), 0.6)
    if breath:
        # On GRID, mouths open to a third of their range 0.1 to 0.3 s before they speak.
        inhale = Target(
            breath, jaw=rng.uniform(0.15, 0.6), breath=rng.choice([0.0, rng.uniform(0, 0.08)])
        )
        score.add(inhale, 0.6)
    score.add(Target(prepared), 0.6)


def _trajectories(
    score: _Score, habits: Habits, rng: np.random.Generator, num_steps: int
) -> Gestures:
    starts = np.cumsum([0, *(target.seconds for target in score.targets)]) * STEPS_PER_SECOND
    starts = np.round(starts).astype(int)
    smooth = {}
    for name, seconds in {**VISIBLE_SECONDS, **AUDIBLE_SECONDS}.items():
        values = [getattr(target, name) for target in score.targets]
        inertia = habits.inertia if name in VISIBLE_SECONDS else 1.0
        smooth[name] = _smoothed(hold(values, starts, num_steps), inertia * seconds)
    stress = _smoothed(hold(list(score.stress), starts, num_steps), STRESS_SECONDS)
    smooth["closure"] = np.clip(smooth["closure"], 0, 1)
    return Gestures(**smooth, stress=stress, pitch=_melody(score, rng, num_steps))


def _smoothed(path: Trajectory, seconds: float) -> Trajectory:
    return gaussian_filter1d(path, seconds * STEPS_PER_SECOND, mode="nearest", truncate=3.0)


def _melody(score: _Score, rng: np.random.Generator, num_steps: int) -> Float[np.ndarray, " n"]:
    """Pitch in units of the person's `pitch_semitones`: phrases fall, accents rise."""
    seconds = np.arange(num_steps) / STEPS_PER_SECOND
    melody = 0.4 * gaussian_filter1d(
        rng.normal(size=num_steps), 0.1 * STEPS_PER_SECOND, mode="wrap"
    )
    melody *= np.sqrt(2 * np.sqrt(np.pi) * 0.1 * STEPS_PER_SECOND)
    for start, end in score.phrases:
        within = np.clip((seconds - start) / (end - start), 0, 1)
        inside = (seconds >= start) & (seconds < end)
        melody += inside * (1 - 2 * within) * rng.uniform(0.2, 1.0)
    for middle, size in score.accents:
        melody += 1.5 * size * np.exp(-(((seconds - middle) / 0.09) ** 2))
    return melody
