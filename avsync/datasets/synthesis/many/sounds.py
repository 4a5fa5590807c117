"""The speech sounds from which languages choose, as targets of the visible mouth and of the tract.

Formants of vowels are those of men in Peterson & Barney (1952, table II), and of front rounded
vowels in Fant (1959); a talker scales them by the length of the vocal tract. Consonants have the
formants of their locus (Klatt 1980, table II). Durations are those of fluent speech.
"""

from typing import NamedTuple


class Target(NamedTuple):
    """Targets of one piece of a sound; a target of None is taken from its neighbours.

    jaw: 0 closed to 1 wide open. spread: -1 rounded to 1 spread lips. closure: 0 lips apart to 1
    lips together; above 1 they are pressed. tuck: 1 while the lower lip is under the upper teeth.
    front, tip: tongue back to front, its tip down to up, 0 to 1. f1, f2, f3: hertz. voicing,
    breath, hiss: strengths of the glottal pulses, of the noise of the glottis and of the noise of a
    narrow passage, which has its peak at `hiss_hertz`. nasal: 1 while air leaves by the nose. bar:
    1 while the voice is heard through closed lips or the tongue, dull and weak.
    """

    seconds: float
    jaw: float | None = None
    spread: float | None = None
    closure: float = 0.0
    tuck: float = 0.0
    front: float | None = None
    tip: float = 0.0
    f1: float | None = None
    f2: float | None = None
    f3: float | None = None
    voicing: float = 0.0
    breath: float = 0.0
    hiss: float = 0.0
    hiss_hertz: float | None = None
    nasal: float = 0.0
    bar: float = 0.0


class Place(NamedTuple):
    """Where a consonant is formed: jaw, lips and tongue, and the formants near it."""

    jaw: float | None
    closure: float = 0.0
    tuck: float = 0.0
    spread: float | None = None
    front: float | None = None
    tip: float = 0.0
    f2: float | None = None
    f3: float | None = None
    hiss_hertz: float = 2500.0


LABIAL = Place(0.2, closure=1.3, f2=900.0, f3=2200.0, hiss_hertz=900.0)
LABIODENTAL = Place(0.2, closure=0.85, tuck=1.0, f2=1100.0, f3=2200.0, hiss_hertz=6500.0)
DENTAL = Place(0.25, front=0.9, tip=1.0, f2=1400.0, f3=2600.0, hiss_hertz=6800.0)
ALVEOLAR = Place(0.15, front=0.8, tip=0.9, f2=1750.0, f3=2600.0, hiss_hertz=5600.0)
POSTALVEOLAR = Place(0.15, spread=-0.5, front=0.7, tip=0.6, f2=1900.0, f3=2500.0, hiss_hertz=3100.0)
PALATAL = Place(0.18, spread=0.5, front=1.0, f2=2200.0, f3=2900.0, hiss_hertz=3600.0)
VELAR = Place(0.3, front=0.3, f3=2200.0, hiss_hertz=1900.0)
GLOTTAL = Place(None)


def _vowel(jaw: float, spread: float, front: float, *hertz: int) -> Target:
    """A vowel; open ones last longer (Klatt 1976)."""
    f1, f2, f3 = hertz
    seconds = 0.085 + 0.05 * jaw
    return Target(
        seconds, jaw=jaw, spread=spread, front=front, f1=f1, f2=f2, f3=f3, voicing=1.0, breath=0.02
    )


VOWELS: dict[str, Target] = {
    "i": _vowel(0.14, 0.9, 1.0, 270, 2290, 3010),
    "I": _vowel(0.28, 0.5, 0.9, 390, 1990, 2550),
    "e": _vowel(0.36, 0.6, 0.9, 440, 2080, 2600),
    "ɛ": _vowel(0.52, 0.4, 0.8, 530, 1840, 2480),
    "æ": _vowel(0.85, 0.4, 0.7, 660, 1720, 2410),
    "a": _vowel(1.00, 0.1, 0.5, 740, 1350, 2480),
    "A": _vowel(0.95, 0.0, 0.2, 730, 1090, 2440),
    "ʌ": _vowel(0.62, 0.0, 0.4, 640, 1190, 2390),
    "ə": _vowel(0.36, 0.0, 0.5, 500, 1450, 2450),
    "ɔ": _vowel(0.70, -0.6, 0.1, 570, 840, 2410),
    "o": _vowel(0.45, -0.9, 0.1, 450, 800, 2400),
    "ʊ": _vowel(0.30, -0.6, 0.2, 440, 1020, 2240),
    "u": _vowel(0.16, -1.0, 0.1, 300, 870, 2240),
    "ɨ": _vowel(0.22, 0.2, 0.6, 320, 1500, 2400),
    "y": _vowel(0.16, -1.0, 1.0, 270, 1900, 2150),
    "ø": _vowel(0.38, -0.8, 0.9, 400, 1600, 2200),
}

# Glides from one vowel to another within a syllable.
DIPHTHONGS = (("a", "I"), ("a", "ʊ"), ("ɔ", "I"), ("e", "I"), ("o", "ʊ"), ("I", "ə"))


def _at(place: Place, seconds: float, **sound: float) -> Target:
    shape = {k: v for k, v in place._asdict().items() if k != "hiss_hertz"}
    return Target(seconds, hiss_hertz=place.hiss_hertz, **shape, **sound)


def _stop(place: Place, *, voiced: bool, burst: float) -> tuple[Target, ...]:
    """Closure, then burst; the aspiration of voiceless stops is added by the language."""
    closed = _at(place, 0.055 if voiced else 0.075, f1=220.0, bar=float(voiced))
    opened = {"closure": 0.0, "tip": 0.3 * place.tip, "jaw": None}
    release = _at(place, 0.012, hiss=burst, voicing=0.3 * voiced)._replace(**opened)
    return closed, release


def _fricative(place: Place, seconds: float, *, hiss: float, voiced: bool) -> tuple[Target, ...]:
    return (_at(place, seconds, f1=300.0, hiss=hiss, voicing=0.35 * voiced, bar=0.5 * voiced),)


def _nasal(place: Place) -> tuple[Target, ...]:
    return (_at(place, 0.07, f1=280.0, voicing=0.6, nasal=1.0),)


def _glide(seconds: float, **shape: float) -> tuple[Target, ...]:
    return (Target(seconds, voicing=0.7, **shape),)


CONSONANTS: dict[str, tuple[Target, ...]] = {
    "p": _stop(LABIAL, voiced=False, burst=0.35),
    "b": _stop(LABIAL, voiced=True, burst=0.2),
    "t": _stop(ALVEOLAR._replace(hiss_hertz=4200.0), voiced=False, burst=0.8),
    "d": _stop(ALVEOLAR._replace(hiss_hertz=4000.0), voiced=True, burst=0.5),
    "k": _stop(VELAR, voiced=False, burst=0.7),
    "g": _stop(VELAR, voiced=True, burst=0.4),
    "m": _nasal(LABIAL),
    "n": _nasal(ALVEOLAR),
    "ŋ": _nasal(VELAR),
    "f": _fricative(LABIODENTAL, 0.10, hiss=0.2, voiced=False),
    "v": _fricative(LABIODENTAL, 0.06, hiss=0.1, voiced=True),
    "θ": _fricative(DENTAL, 0.09, hiss=0.15, voiced=False),
    "ð": _fricative(DENTAL, 0.05, hiss=0.06, voiced=True),
    "s": _fricative(ALVEOLAR._replace(jaw=0.06), 0.11, hiss=0.9, voiced=False),
    "z": _fricative(ALVEOLAR._replace(jaw=0.06), 0.08, hiss=0.5, voiced=True),
    "ʃ": _fricative(POSTALVEOLAR, 0.11, hiss=0.9, voiced=False),
    "ʒ": _fricative(POSTALVEOLAR, 0.08, hiss=0.5, voiced=True),
    "x": _fricative(VELAR, 0.09, hiss=0.45, voiced=False),
    "h": (Target(0.06, breath=0.5, f1=500.0),),
    "w": _glide(0.07, jaw=0.16, spread=-1.0, front=0.0, f1=300.0, f2=650.0, f3=2150.0),
    "j": _glide(0.06, jaw=0.15, spread=0.6, front=1.0, f1=280.0, f2=2200.0, f3=2950.0),
    "l": _glide(0.06, jaw=0.35, front=0.6, tip=1.0, f1=340.0, f2=1150.0, f3=2700.0),
    "r": _glide(0.06, jaw=0.28, spread=-0.5, front=0.5, f1=320.0, f2=1100.0, f3=1500.0),
}
CONSONANTS["tʃ"] = (CONSONANTS["t"][0], CONSONANTS["ʃ"][0]._replace(seconds=0.07))
CONSONANTS["dʒ"] = (CONSONANTS["d"][0], CONSONANTS["ʒ"][0]._replace(seconds=0.05))

# Those of nearly every language, and those that only some languages have (Maddieson 1984).
COMMON = ("p", "t", "k", "b", "d", "m", "n", "s", "l", "j", "w")
RARE = ("g", "ŋ", "f", "v", "θ", "ð", "z", "ʃ", "ʒ", "x", "h", "r", "tʃ", "dʒ")
VOICELESS_STOPS = ("p", "t", "k")
