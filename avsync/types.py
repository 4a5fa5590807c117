"""What travels between the layers: prepared clips, their source, the batches made of them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.units import CROP_PIXELS, SAMPLES_PER_FRAME

CATEGORIES = ("RV-RA", "RV-FA", "FV-RA", "FV-FA")  # real or fake Video, real or fake Audio

REAL, FAKE = 0, 1


@dataclasses.dataclass(frozen=True)
class Clip:
    """One prepared talking-face clip: mouth crops at 25 fps and its sound at 16 kHz, in sync.

    Attributes:
      clip_id: unique within a dataset; a fake's id names its source clip and manipulation.
      frames: uint8 [t 96 96 1], grey mouth crops.
      waveform: int16 [640 t], mono; frame i sounds in samples [640 i, 640 (i + 1)).
      label: 0 real, 1 fake.
      category: one of `CATEGORIES`.
      manipulation: "real", or how the fake was made ("swap", "splice_0.4s", ...).
      identity: who speaks; "" if unknown.
      source_clip: for a fake, the id of the real clip that it was made from; else "".
      fake_segments: (start, end) in seconds of every forged stretch; a clip forged from end to
        end has one segment that spans it.
      attributes: what the dataset says of the clip beside this, as text by name ("gender", ...).
      media: what was measured of the raw file, by name: codecs, rates, sizes; {} if there is none.
    """

    clip_id: str
    frames: np.ndarray
    waveform: np.ndarray
    label: int = REAL
    category: str = "RV-RA"
    manipulation: str = "real"
    identity: str = ""
    source_clip: str = ""
    fake_segments: tuple[tuple[float, float], ...] = ()
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    media: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError if picture and sound are not what the class promises."""
        crop = (CROP_PIXELS, CROP_PIXELS, 1)
        if self.frames.ndim != 4 or self.frames.shape[1:] != crop or self.frames.dtype != np.uint8:
            raise ValueError(
                f"clip {self.clip_id}: frames must be uint8 [t {CROP_PIXELS} {CROP_PIXELS} 1], "
                f"got {self.frames.dtype} {list(self.frames.shape)}"
            )
        num_samples = len(self.frames) * SAMPLES_PER_FRAME
        if self.waveform.shape != (num_samples,) or self.waveform.dtype != np.int16:
            raise ValueError(
                f"clip {self.clip_id}: {len(self.frames)} frames need an int16 waveform of "
                f"{num_samples} samples, got {self.waveform.dtype} {list(self.waveform.shape)}"
            )
        if self.category not in CATEGORIES or (self.label == REAL) != (self.category == "RV-RA"):
            raise ValueError(
                f"clip {self.clip_id}: label {self.label} and category {self.category!r} disagree; "
                f"RV-RA is label 0, the other {CATEGORIES[1:]} are label 1"
            )

    def replace(self, **changes: Any) -> "Clip":
        """A copy with these fields changed."""
        return dataclasses.replace(self, **changes)


class MediaFile(NamedTuple):
    """A raw video as a dataset finds it on disk, with what the dataset knows about it.

    `split` is "train", "val" or "test", or "" where the dataset divides its clips after they are
    prepared. A segment that ends at `math.inf` ends with the clip. `attributes` become the clip's;
    "source_video", if there, names the video that the file was cut from.
    """

    clip_id: str
    path: Path
    identity: str = ""
    label: int = REAL
    category: str = "RV-RA"
    manipulation: str = "real"
    source_clip: str = ""
    fake_segments: tuple[tuple[float, float], ...] = ()
    attributes: Mapping[str, str] = {}
    split: str = ""


@dataclasses.dataclass(frozen=True)
class Host:
    """Which of the job's processes this is; passed in, so that data code needs no JAX."""

    index: int = 0
    count: int = 1


class Extraction(NamedTuple):
    """How the features of a dataset were made; those made differently do not mix.

    trim: the rule of avsync.pp.silence by which the waveforms were cut before the encoder heard
      them.
    encoder: which encoder with which weights, as a text to be compared; "" if nobody knows.
    channels: by stream ("visual", "audio", "multimodal"), of each frame's features.
    """

    trim: str
    encoder: str
    channels: Mapping[str, int]


class Gated(NamedTuple):
    """Clips of a split that are not to be taken as they are.

    left_out: those that nobody sees, by their numbers in the order on disk.
    late_frames: by id, by how many frames the sound of others is late; it is moved back.
    """

    left_out: frozenset[int] = frozenset()
    late_frames: Mapping[str, int] = {}


class Source(NamedTuple):
    """A split of a prepared dataset on disk.

    `is_real_only` is the promise, made by the dataset's builder, that no fake is in the split; the
    alignment loss trains on nothing else. `extraction` is None for a dataset of clips. `num_clips`
    are those that `gated` does not leave out.
    """

    dataset: str
    split: str
    directory: Path
    num_clips: int
    is_real_only: bool
    extraction: Extraction | None = None
    gated: Gated = Gated()


class Batch(NamedTuple):
    """What the device sees. Leading axis b, or [devices, b] once it is spread over them.

    visual: uint8 [b t h w 1] mouth crops, or float [b t d] precomputed features.
    audio: int16 [b 640t] samples, or float [b t d] precomputed features.
    valid: bool [b t], True = a real frame, False = padding.
    loss_mask: bool [b t], the valid frames that the loss is taken of; the others are there for them
      to choose from.
    label: int32 [b], 1 = fake; rows that pad a batch have label 0 and no valid frame.
    """

    visual: Any
    audio: Any
    valid: Any
    loss_mask: Any
    label: Any


class ClipInfo(NamedTuple):
    """What is known of a clip beside its pixels and samples; stays on the host.

    `fake_segments` are in the time of the clip as it is here, after trimming. `status` is "ok", or
    says why there is no frame to look at; `message` is that in words.
    """

    clip_id: str
    label: int
    category: str
    manipulation: str = "real"
    identity: str = ""
    source_clip: str = ""
    fake_segments: tuple[tuple[float, float], ...] = ()
    attributes: Mapping[str, str] = {}
    leading_silence_seconds: float = 0.0
    num_frames: int = 0
    status: str = "ok"
    message: str = ""


class WholeClip(NamedTuple):
    """A clip, whole, as evaluation and extraction take it.

    visual: uint8 [t 88 88 1] mouth crops, or [t d] features.
    audio: int16 or float32 [s] samples, or [t d] features.
    """

    info: ClipInfo
    visual: Any
    audio: Any


class ClipFeatures(NamedTuple):
    """A clip's features [t d] by stream, in float32 or bfloat16."""

    info: ClipInfo
    streams: Mapping[str, np.ndarray]
