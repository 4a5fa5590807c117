"""The phones of synthetic talkers, as targets of jaw, lips and tongue."""

from typing import NamedTuple


class Phone(NamedTuple):
    """Articulation targets of one phone; None means that the neighbouring phones decide.

    jaw: 0 closed to 1 wide open. spread: -1 rounded to 1 spread lips. closure: 0 lips apart to 1
    lips together; above 1 they are pressed. front: 0 tongue back to 1 front. tip: 0 tongue tip down
    to 1 at the teeth. voicing: strength of the glottal pulses. noise: strength of the hiss, around
    `noise_hertz`. is_stop: no airflow before the release. is_nasal: air leaves through the nose.
    """

    seconds: float
    jaw: float | None = None
    spread: float | None = None
    closure: float = 0.0
    front: float | None = None
    tip: float = 0.0
    voicing: float = 0.0
    noise: float = 0.0
    noise_hertz: float = 2500.0
    is_stop: bool = False
    is_nasal: bool = False


# With the rule in speech.py, jaw and tongue of the vowels give approximately the first two formants
# of Peterson & Barney (1952); durations are those of fluent speech.
VOWELS = {
    "i": Phone(0.11, jaw=0.12, spread=0.9, front=1.0, voicing=1.0),
    "e": Phone(0.12, jaw=0.40, spread=0.6, front=0.85, voicing=1.0),
    "æ": Phone(0.14, jaw=0.85, spread=0.5, front=0.70, voicing=1.0),
    "a": Phone(0.15, jaw=1.00, spread=0.1, front=0.35, voicing=1.0),
    "ɔ": Phone(0.14, jaw=0.75, spread=-0.5, front=0.10, voicing=1.0),
    "o": Phone(0.13, jaw=0.45, spread=-0.9, front=0.10, voicing=1.0),
    "u": Phone(0.12, jaw=0.15, spread=-1.0, front=0.05, voicing=1.0),
    "ə": Phone(0.08, jaw=0.35, spread=0.0, front=0.50, voicing=0.9),
}

CONSONANTS = {
    "p": Phone(0.10, jaw=0.15, closure=1.3, noise=0.5, noise_hertz=900.0, is_stop=True),
    "b": Phone(
        0.08, jaw=0.15, closure=1.3, voicing=0.5, noise=0.3, noise_hertz=900.0, is_stop=True
    ),
    "m": Phone(0.08, jaw=0.15, closure=1.25, voicing=0.9, is_nasal=True),
    "f": Phone(0.10, jaw=0.15, closure=0.8, noise=0.25, noise_hertz=5000.0),
    "v": Phone(0.07, jaw=0.15, closure=0.8, voicing=0.6, noise=0.15, noise_hertz=5000.0),
    "w": Phone(0.08, jaw=0.15, spread=-1.0, front=0.0, voicing=0.8),
    "t": Phone(0.09, jaw=0.2, front=0.8, tip=1.0, noise=0.9, noise_hertz=4500.0, is_stop=True),
    "d": Phone(
        0.07, jaw=0.2, front=0.8, tip=1.0, voicing=0.5, noise=0.5, noise_hertz=4500.0, is_stop=True
    ),
    "n": Phone(0.08, jaw=0.25, front=0.8, tip=1.0, voicing=0.9, is_nasal=True),
    "l": Phone(0.08, jaw=0.4, front=0.6, tip=1.0, voicing=0.8),
    "s": Phone(0.11, jaw=0.08, spread=0.3, front=0.8, tip=0.7, noise=0.8, noise_hertz=6000.0),
    "z": Phone(
        0.09, jaw=0.08, spread=0.3, front=0.8, tip=0.7, voicing=0.6, noise=0.5, noise_hertz=6000
    ),
    "ʃ": Phone(0.11, jaw=0.15, spread=-0.7, front=0.7, noise=0.9, noise_hertz=3000.0),
    "k": Phone(0.09, jaw=0.35, front=0.3, noise=0.7, noise_hertz=1900.0, is_stop=True),
    "g": Phone(0.07, jaw=0.35, front=0.3, voicing=0.5, noise=0.4, noise_hertz=1900.0, is_stop=True),
    "j": Phone(0.07, jaw=0.15, spread=0.7, front=1.0, voicing=0.8),
}
