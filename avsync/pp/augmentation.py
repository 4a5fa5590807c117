"""The strengths of the augmentation, by name; no TensorFlow here, as configs read them."""

from typing import NamedTuple


class Augmentation(NamedTuple):
    """The strength of each op of `pp/augment`; 0 switches an op off.

    Flip, shift, brightness, contrast and gain are drawn for every clip, each other op for a clip
    with `probability`. Strengths are drawn once per clip: a change from frame to frame would look
    like motion. No op moves the A/V offset.

    Attributes:
      flip: probability of mirroring left and right.
      shift_pixels: the 88 x 88 crop moves by up to this many pixels, at most 4.
      brightness: relative change of the brightness: 0.2 is ±20%.
      contrast: relative change of the contrast: 0.2 is ±20%.
      gain_low_db: lowest gain of the sound, in dB.
      gain_high_db: highest gain of the sound, in dB.
      probability: probability of each op below, drawn for each clip and op.
      scale: the picture is enlarged or reduced by up to 1 + this; scale, rotation, aspect and warp
        are one op.
      rotation_degrees: the picture is turned by up to this angle.
      aspect: width over height changes by up to 1 + this, either way.
      warp_pixels: largest displacement of a smooth random warp: other lips.
      cutout: a rectangle between the lips and an edge of the crop is covered, up to this share of
        the way to the lips.
      gamma: the exponent of the brightness lies within 1 + this, either way.
      blur_pixels: largest standard deviation of a Gaussian blur.
      low_resolution_pixels: the crop is scaled down to between this many pixels and twice as many,
        and up again.
      noise: largest standard deviation of the noise of the picture, in grey levels.
      compression: quantisation as in JPEG, with steps of up to this many times those of its
        standard table; 1 is quality 50, 4 is quality 12.
      frame_drops: largest share of frames that show a neighbour instead; the sound stays.
      formants: the spectral envelope of the voice is stretched by up to 1 + this, either way: a
        shorter or longer vocal tract.
      equaliser_db: largest gain of a smooth random equaliser, either way.
      band_limit_hz: lowest cut-off frequency of the sound; the highest is 8,000 Hz.
      sound_noise: largest noise, white to pink, relative to the sound: 1 is 0 dB. The level is
        uniform over the 30 dB below.
      reverb_seconds: longest reverberation time (to -60 dB); the direct sound stays in place.
      codec: coarsest quantisation of the spectrum, in steps relative to the level around each bin.
      sound_mask: up to this share of the spectrum, and up to this many seconds, are nearly muted.
      stretch: speed of picture and sound, tempo and pitch, changes by up to this share.
    """

    flip: float = 0.5
    shift_pixels: int = 4
    brightness: float = 0.2
    contrast: float = 0.2
    gain_low_db: float = -8.0
    gain_high_db: float = 4.0
    probability: float = 0.5
    scale: float = 0.0
    rotation_degrees: float = 0.0
    aspect: float = 0.0
    warp_pixels: float = 0.0
    cutout: float = 0.0
    gamma: float = 0.0
    blur_pixels: float = 0.0
    low_resolution_pixels: int = 0
    noise: float = 0.0
    compression: float = 0.0
    frame_drops: float = 0.0
    formants: float = 0.0
    equaliser_db: float = 0.0
    band_limit_hz: float = 0.0
    sound_noise: float = 0.0
    reverb_seconds: float = 0.0
    codec: float = 0.0
    sound_mask: float = 0.0
    stretch: float = 0.0


# Everything, as strong as a talker of another corpus may differ: for scorers of strangers.
STRANGERS = Augmentation(
    probability=0.25,
    scale=0.25,
    rotation_degrees=15.0,
    aspect=0.15,
    warp_pixels=3.0,
    cutout=1.0,
    gamma=0.65,
    blur_pixels=2.0,
    low_resolution_pixels=32,
    noise=10.0,
    compression=4.0,
    frame_drops=0.2,
    formants=0.18,
    equaliser_db=12.0,
    band_limit_hz=3400.0,
    sound_noise=1.0,
    reverb_seconds=0.3,
    codec=1.0,
    sound_mask=0.2,
    stretch=0.15,
)

# The ops drawn with `probability`, by what they change; "time" changes picture and sound.
GROUPS: dict[str, tuple[str, ...]] = {
    "geometry": ("scale", "rotation_degrees", "aspect", "warp_pixels"),
    "picture": ("cutout", "gamma", "blur_pixels", "low_resolution_pixels", "noise", "compression"),
    "sound": (
        "formants",
        "equaliser_db",
        "band_limit_hz",
        "sound_noise",
        "reverb_seconds",
        "codec",
        "sound_mask",
    ),
    "time": ("frame_drops", "stretch"),
}

# The lowest and the highest value of each strength. Beyond them an op has no meaning, or covers
# what the model shall see or hear.
RANGES: dict[str, tuple[float, float]] = {
    "flip": (0, 1),
    "shift_pixels": (0, 4),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "gain_low_db": (-60, 60),
    "gain_high_db": (-60, 60),
    "probability": (0, 1),
    "scale": (0, 1),
    "rotation_degrees": (0, 45),
    "aspect": (0, 1),
    "warp_pixels": (0, 6),
    "cutout": (0, 1),
    "gamma": (0, 2),
    "blur_pixels": (0, 8),
    "low_resolution_pixels": (0, 44),
    "noise": (0, 64),
    "compression": (0, 16),
    "frame_drops": (0, 0.5),
    "formants": (0, 0.5),
    "equaliser_db": (0, 40),
    "band_limit_hz": (0, 8000),
    "sound_noise": (0, 10),
    "reverb_seconds": (0, 0.5),
    "codec": (0, 4),
    "sound_mask": (0, 1),
    "stretch": (0, 0.3),
}
