"""Voice and face of a talker, constant over all clips of the talker."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Voice:
    """The voice of a talker.

    tract_scale multiplies every formant (above 1 for short vocal tracts); speaking_rate multiplies
    the speed of the phones; levels are RMS as fractions of full scale.
    """

    pitch_hertz: float
    tract_scale: float
    speaking_rate: float
    breathiness: float
    level: float
    noise_level: float
    noise_colour: float  # 0 white to 0.95 rumbling: the pole of the room's one-pole filter


@dataclasses.dataclass(frozen=True)
class Face:
    """The mouth region of a talker; lengths in pixels of the 96 x 96 crop, tones in grey levels."""

    half_width: float
    opening: float  # height of the widest opening
    upper_lip: float
    lower_lip: float
    cupid: float  # depth of the dip in the upper lip, as a fraction of its thickness
    curve: float  # distance of the corners below the middle
    skin: float
    lip_contrast: float  # lips are darker than the skin by this fraction
    teeth: float  # visible height of the upper teeth in a wide smile
    teeth_tone: float
    light_x: float  # fall-off of light from one side to the other
    light_y: float
    beard: float  # darkness of the facial hair, 0 for none
    rest_opening: float  # opening of the lips in pauses
    mobility: float  # scale of jaw and lip motion
    restlessness: float  # scale of head motion and idle lip motion
    texture_seed: int


def draw_talker(rng: np.random.Generator) -> tuple[Voice, Face]:
    """Draws a random talker."""
    # Short tracts correlate with high voices: 0 is the lowest voice and 1 the highest.
    height = rng.uniform()
    voice = Voice(
        pitch_hertz=float(np.interp(height, [0, 1], [90, 230]) * rng.uniform(0.9, 1.1)),
        tract_scale=float(np.interp(height, [0, 1], [0.92, 1.16]) * rng.uniform(0.96, 1.04)),
        speaking_rate=rng.uniform(0.8, 1.15),
        breathiness=rng.uniform(0.01, 0.08),
        level=rng.uniform(0.04, 0.12),
        noise_level=float(np.exp(rng.uniform(np.log(0.008), np.log(0.02)))),
        noise_colour=rng.uniform(0.0, 0.9),
    )
    skin = rng.uniform(75, 185)
    face = Face(
        half_width=rng.uniform(18, 24),
        opening=rng.uniform(14, 21),
        upper_lip=rng.uniform(3.5, 7.5),
        lower_lip=rng.uniform(5, 9.5),
        cupid=rng.uniform(0.1, 0.4),
        curve=rng.uniform(-2, 2),
        skin=skin,
        lip_contrast=rng.uniform(0.10, 0.32),
        teeth=rng.uniform(2, 7),
        teeth_tone=skin * rng.uniform(0.9, 1.35),
        light_x=rng.uniform(-0.3, 0.3),
        light_y=rng.uniform(-0.1, 0.2),
        beard=rng.uniform(0.1, 0.45) if rng.uniform() < 0.3 else 0.0,
        rest_opening=rng.uniform(0, 0.12),
        mobility=rng.uniform(0.6, 1.05),
        restlessness=rng.uniform(0.6, 1.3),
        texture_seed=int(rng.integers(2**31)),
    )
    return voice, face
