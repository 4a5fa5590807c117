"""A person: how they move, sound and look, and where they are filmed, the same in all clips."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Habits:
    """Habits of articulation; factors are around 1."""

    rate: float  # speed of speech
    jaw: float  # size of the motion of the jaw
    lips: float  # size of the motion of the lips
    inertia: float  # slowness of the articulators
    pause_seconds: float  # typical pause between phrases
    breathing: float  # probability of an open-mouthed breath before a phrase
    parted: float  # opening of the lips at rest, as a fraction of a wide opening
    unrest: float  # size of idle motion


@dataclasses.dataclass(frozen=True)
class Voice:
    """The glottis and the vocal tract."""

    pitch_hertz: float
    tract_scale: float  # of every formant; above 1 for short tracts
    pitch_semitones: float  # size of the melody
    open_quotient: float  # share of a period in which the glottis is open
    tilt: float  # pole of the low-pass of the source: 0 bright to 0.9 dull
    breath: float  # noise of the glottis while it vibrates
    jitter: float  # relative deviation of periods
    hiss: float  # strength of fricatives
    bandwidth: float  # of the formants, around 1


@dataclasses.dataclass(frozen=True)
class Face:
    """The mouth region at rest; lengths in pixels of the crop, tones relative to the skin."""

    half_width: float
    opening: float  # of the widest mouth
    chin_drop: float  # of the jaw when wide open
    upper_lip: float
    lower_lip: float
    bow: float  # depth of the dip in the upper lip, as a fraction of its thickness
    corners: float  # how far below the middle
    slant: float  # of the mouth, in pixels from one corner to the other
    roundness: float  # exponent of the contour: 1.6 pointed to 3 full
    asymmetry: float  # of the opening, left against right
    nose: float  # distance of the nose above the mouth
    chin: float  # distance of the chin below the mouth
    jaw_width: float  # half the width of the face at the mouth
    skin: float  # grey level
    lip_tone: float
    gloss: float
    line: float  # darkness of the line between closed lips
    cavity: float
    teeth_tone: float
    upper_teeth: float  # edge below the line of the lips
    lower_teeth: float  # visible height above the lower lip
    tongue_tone: float
    stubble: float
    moustache: float
    beard: float
    light_x: float
    light_y: float
    relief: float  # how much the light models the face
    edge: float  # softness of edges, as the standard deviation in pixels
    backdrop: float
    texture_seed: int


@dataclasses.dataclass(frozen=True)
class Room:
    """Where a person is recorded: the microphone and its room."""

    reverberation_seconds: float  # to -60 dB
    direct: float  # level of the direct sound against the reverberation
    noise_db: float  # below the speech
    noise_colour: float  # 0 white to 0.97 rumbling
    babble: float  # share of the noise that comes and goes
    low_hertz: float  # the band of the microphone
    high_hertz: float
    ripple_db: float  # unevenness of the microphone
    level: float  # RMS of the speech, as a fraction of full scale


@dataclasses.dataclass(frozen=True)
class Camera:
    """The camera, and the errors of the crop."""

    exposure: float  # share of a frame in which the shutter is open
    noise: float  # grey levels
    quality: float  # 0: not compressed; else the step of the quantisation, in grey levels
    contrast: float
    landmark_noise: float  # pixels, of the centre of the crop
    sway: float  # pixels, of the head
    flicker: float  # relative changes of brightness


@dataclasses.dataclass(frozen=True)
class Person:
    """Everything that the clips of one person have in common."""

    habits: Habits
    voice: Voice
    face: Face
    room: Room
    camera: Camera
    language: int  # number of the language


NUM_LANGUAGES = 24


def draw_person(rng: np.random.Generator) -> Person:
    """Draws a random person."""
    # One generator for each part, so that a change of one does not change the others.
    habits, voice, face, room, camera, other = rng.spawn(6)
    return Person(
        _draw_habits(habits),
        _draw_voice(voice),
        _draw_face(face),
        _draw_room(room),
        _draw_camera(camera),
        int(other.integers(NUM_LANGUAGES)),
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _draw_habits(rng: np.random.Generator) -> Habits:
    return Habits(
        rate=_log_uniform(rng, 0.7, 1.15),
        jaw=_log_uniform(rng, 0.45, 1.05),
        lips=_log_uniform(rng, 0.6, 1.1),
        inertia=_log_uniform(rng, 0.8, 1.5),
        pause_seconds=_log_uniform(rng, 0.1, 0.6),
        breathing=rng.uniform(0, 0.8),
        parted=rng.choice([0.0, rng.uniform(0, 0.2)]),
        unrest=_log_uniform(rng, 0.3, 1.5),
    )


def _draw_voice(rng: np.random.Generator) -> Voice:
    height = rng.uniform()  # 0 the lowest voice to 1 the highest; high voices have short tracts
    return Voice(
        pitch_hertz=float(
            np.exp(np.interp(height, [0, 1], np.log([85, 260]))) * rng.uniform(0.9, 1.1)
        ),
        tract_scale=float(np.interp(height, [0, 1], [0.92, 1.2]) * rng.uniform(0.95, 1.05)),
        pitch_semitones=rng.uniform(0.7, 3.0),
        open_quotient=rng.uniform(0.45, 0.8),
        tilt=rng.uniform(0.0, 0.5),
        breath=_log_uniform(rng, 0.005, 0.12),
        jitter=rng.uniform(0.003, 0.02),
        hiss=_log_uniform(rng, 0.5, 2.0),
        bandwidth=_log_uniform(rng, 0.8, 1.6),
    )


def _draw_face(rng: np.random.Generator) -> Face:
    skin = rng.uniform(90, 200)
    is_bearded, has_moustache, has_stubble = rng.uniform(size=3) < (0.12, 0.15, 0.25)
    return Face(
        half_width=rng.uniform(19, 26),
        opening=rng.uniform(13, 22),
        chin_drop=rng.uniform(5, 11),
        upper_lip=rng.uniform(2.5, 7.5),
        lower_lip=rng.uniform(4, 9.5),
        bow=rng.uniform(0.05, 0.45),
        corners=rng.uniform(-2.5, 2.5),
        slant=rng.normal(0, 0.8),
        roundness=rng.uniform(1.6, 2.8),
        asymmetry=rng.normal(0, 0.12),
        nose=rng.uniform(15, 23),
        chin=rng.uniform(29, 40),
        jaw_width=rng.uniform(38, 56),
        skin=skin,
        lip_tone=rng.uniform(0.6, 0.93),
        gloss=rng.uniform(0, 0.2),
        line=rng.uniform(0.1, 0.45),
        cavity=rng.uniform(0.12, 0.45),
        # Teeth differ less than skins do.
        teeth_tone=rng.uniform(0.8, 1.2) * (90 + 0.45 * skin) / skin,
        upper_teeth=rng.uniform(0, 5),
        lower_teeth=rng.uniform(-1, 3),
        tongue_tone=rng.uniform(0.45, 0.85),
        stubble=rng.uniform(0.03, 0.2) if has_stubble else 0.0,
        moustache=rng.uniform(0.15, 0.5) if has_moustache or is_bearded else 0.0,
        beard=rng.uniform(0.15, 0.5) if is_bearded else 0.0,
        light_x=rng.normal(0, 0.5),
        light_y=rng.uniform(-0.3, 1.0),
        relief=rng.uniform(0.3, 1.2),
        edge=rng.uniform(0.5, 1.5),
        backdrop=rng.uniform(10, 230),
        texture_seed=int(rng.integers(2**31)),
    )


def _draw_room(rng: np.random.Generator) -> Room:
    return Room(
        reverberation_seconds=_log_uniform(rng, 0.05, 0.7),
        direct=_log_uniform(rng, 0.7, 6.0),
        noise_db=rng.uniform(15, 45),
        noise_colour=rng.uniform(0.0, 0.97),
        babble=rng.uniform(0, 0.8),
        low_hertz=_log_uniform(rng, 40.0, 200.0),
        high_hertz=rng.choice([8000.0, rng.uniform(3400, 8000)]),
        ripple_db=rng.uniform(0, 5),
        level=_log_uniform(rng, 0.03, 0.12),
    )


def _draw_camera(rng: np.random.Generator) -> Camera:
    return Camera(
        exposure=rng.uniform(0.2, 1.0),
        noise=_log_uniform(rng, 0.2, 2.0),
        quality=rng.choice([0.0, rng.uniform(4, 24)]),
        contrast=rng.uniform(0.7, 1.3),
        landmark_noise=rng.uniform(0.2, 0.7),
        sway=rng.uniform(0.3, 2.0),
        flicker=rng.uniform(0.0, 0.05),
    )
