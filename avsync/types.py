"""The data that travels between the layers: prepared clips, their source, batches of them."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int16, Int32, UInt8

from avsync.units import CROP_PIXELS, SAMPLES_PER_FRAME

# NumPy on the host, JAX on the devices. This module imports no JAX, so that data code needs none.
AnyArray = Any

CATEGORIES = ("RV-RA", "RV-FA", "FV-RA", "FV-FA")  # real or fake Video, real or fake Audio

REAL, FAKE = 0, 1

# The environment variable with the number of processes of a job, see `avsync.runtime`.
PROCESSES = "AVSYNC_PROCESSES"

# How silence is trimmed, by the names of the rules in `avsync.pp.silence`.
TRIM_RULES = ("none", "leading", "both_ends", "energy", "jitter")

STREAMS = ("visual", "audio")  # of a model's input: crops or features of the mouth, sound


@dataclasses.dataclass(frozen=True)
class Clip:
    """One prepared talking-face clip: mouth crops at 25 fps and their sound at 16 kHz, in sync.

    Attributes:
      clip_id: unique within a dataset; a fake's id names its source clip and manipulation.
      frames: uint8 [t 96 96 1], grey mouth crops.
      waveform: int16 [640 t], mono; samples [640 i, 640 (i + 1)) belong to frame i.
      label: 0 real, 1 fake.
      category: one of `CATEGORIES`.
      manipulation: "real", or how the fake was made ("swap", "splice_0.4s", ...).
      identity: the speaker; "" if unknown.
      source_clip: for a fake, the id of the real clip it was made from; else "".
      fake_segments: (start, end) in seconds of each forged segment; a clip that is forged
        throughout has one segment that spans it.
      attributes: the dataset's other annotations, as text by name ("gender", ...).
      media: measurements of the raw file by name: codecs, rates, sizes; {} without a raw file.
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
        """ValueError if shapes, types or label break the rules above."""
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
        """Return a copy with these fields changed."""
        return dataclasses.replace(self, **changes)


class MediaFile(NamedTuple):
    """A raw video on disk, with the dataset's annotations.

    `split` is "train", "val" or "test", or "" if the dataset is split after preparation. A segment
    that ends at `math.inf` ends with the clip. `attributes` become the clip's; the attribute
    "source_video" names the video that the file was cut from. `audio_track` is the number of the
    sound among those of the file, from 1; None for the default one. `sound` is the file of the
    sound, on the same time axis, if it is not that of the video.
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
    audio_track: int | None = None
    sound: Path | None = None


@dataclasses.dataclass(frozen=True)
class Host:
    """The index of this process and the number of processes; passed in: data code needs no JAX."""

    index: int = 0
    count: int = 1


class Extraction(NamedTuple):
    """The extraction of a dataset's features; features extracted differently do not mix.

    trim: the rule of avsync.pp.silence that trimmed the waveforms before the encoder.
    encoder: a `FeatureOrigin` as text; "" if unknown.
    channels: size of each frame's features, by stream ("visual", "audio", "multimodal").
    """

    trim: str
    encoder: str
    channels: Mapping[str, int]


class FeatureOrigin(NamedTuple):
    """The encoder of features: name, fingerprint, type of its activations; "" where unknown.

    As text, in `Extraction.encoder`, it is "avhubert 0123456789abcdef in float32".
    """

    encoder: str = ""
    fingerprint: str = ""
    dtype: str = ""

    @classmethod
    def parse(cls, text: str) -> "FeatureOrigin":
        """The origin that `text` describes; any other text is the name of an encoder."""
        match = re.fullmatch(r"(\w+) ([0-9a-f]{16})(?: in (\w+))?", text)
        return cls(*match.groups(default="")) if match else cls(text)

    def __bool__(self) -> bool:
        return bool(self.encoder)

    def __str__(self) -> str:
        if not self.fingerprint:
            return self.encoder
        return f"{self.encoder} {self.fingerprint}" + (f" in {self.dtype}" if self.dtype else "")


class SplitEdits(NamedTuple):
    """Clips that the gates drop from a split, and clips whose sound they shift.

    dropped: indices of the dropped clips, in the order on disk.
    late_frames: frames that the sound of a clip is late, by clip id; reading shifts it back.
    corpus_late_frames: the same for every clip that `late_frames` does not name.
    """

    dropped: frozenset[int] = frozenset()
    late_frames: Mapping[str, int] = {}
    corpus_late_frames: int = 0


class Source(NamedTuple):
    """A split of a prepared dataset on disk.

    num_clips: clips of the split, without those that `edits` drop.
    is_real_only: the promise of the dataset's builder that the split holds no fake; the alignment
      loss trains on no other split.
    extraction: None for a dataset of clips.
    """

    dataset: str
    split: str
    directory: Path
    num_clips: int
    is_real_only: bool
    extraction: Extraction | None = None
    edits: SplitEdits = SplitEdits()


class Context(NamedTuple):
    """The frames of a clip on which the output for one of its frames depends.

    Statistics by which a whole clip is normalised are not counted.

    reach_frames: on each side, through convolutions and candidate offsets.
    is_whole_clip: True if, by attention, it depends on all other frames as well.
    """

    reach_frames: int
    is_whole_clip: bool


# Of a model that does not state its context.
UNKNOWN_CONTEXT = Context(reach_frames=0, is_whole_clip=True)


class Batch(NamedTuple):
    """The input of a step; the leading axis is b, or [devices, b] after `parallel.shard_batch`.

    visual: mouth crops [b t h w 1], or precomputed features [b t d].
    audio: samples [b s], 640 for each frame, or precomputed features [b t d].
    valid: True for real frames, False for padding.
    loss_mask: the valid frames in the loss; other valid frames are only candidates.
    label: 1 = fake; rows of padding have label 0 and no valid frame.
    forged: None, or how far each frame is forged in pseudo-fakes that training made of real clips,
      0 to 1. Frames of changed clips, forged or not, are outside of `loss_mask`.
    """

    visual: UInt8[AnyArray, "*devices b t h w 1"] | Float[AnyArray, "*devices b t d"]
    audio: Int16[AnyArray, "*devices b s"] | Float[AnyArray, "*devices b t d"]
    valid: Bool[AnyArray, "*devices b t"]
    loss_mask: Bool[AnyArray, "*devices b t"]
    label: Int32[AnyArray, "*devices b"]
    forged: Float[AnyArray, "*devices b t"] | None = None


OK = ("ok", "")
ALL_SILENT = ("all_silent", "no sound is left after trimming silence")


# The attribute of a real clip by which a calibration is divided: a camera, a language.
GROUP = "group"


class ClipInfo(NamedTuple):
    """A clip's annotations; they stay on the host.

    `fake_segments` are in seconds of the trimmed clip. `status` is "ok", or the reason why the clip
    has no frames; `message` is that reason in words.
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
    """A clip of any length, for evaluation and extraction.

    visual: mouth crops [t 88 88 1], or features [t d].
    audio: samples [s], int16 or floats in [-1, 1], or features [t d].
    """

    info: ClipInfo
    visual: UInt8[np.ndarray, "t h w 1"] | Float[np.ndarray, "t d"]
    audio: Int16[np.ndarray, " s"] | Float[np.ndarray, " s"] | Float[np.ndarray, "t d"]


class ClipFeatures(NamedTuple):
    """A clip's features by stream, in float32 or bfloat16."""

    info: ClipInfo
    streams: Mapping[str, Float[np.ndarray, "t d"]]
