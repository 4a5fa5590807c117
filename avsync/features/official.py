"""AVH-Align's files: the features of a clip in an .npz, and the pairs they are extracted from.

    CLIP.npz                  visual, audio, multimodal: float32 [t 1024]
    CLIP_roi.mp4, CLIP.wav    mouth crops of 96 x 96 pixels at 25 fps, and the audio

CLIP is a path relative to a folder, the same for both kinds of files and in the lists of clips.
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import librosa
import numpy as np
import soundfile
import tensorflow as tf
from av.error import FFmpegError
from jaxtyping import Float32, UInt8

from avsync.features.ledger import Ledger, Split
from avsync.files import replacing
from avsync.media.rejects import Reject
from avsync.pp import silence
from avsync.types import ALL_SILENT, OK, ClipFeatures, ClipInfo, Extraction, WholeClip
from avsync.units import (
    CROP_PIXELS,
    INPUT_PIXELS,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
)

STREAMS = ("visual", "audio", "multimodal")

NPZ_SUFFIX, ROI_SUFFIX, AUDIO_SUFFIX = ".npz", "_roi.mp4", ".wav"

# OpenCV's weights from BGR to grey, in integers of 15 fractional bits: AV-HuBERT was trained on
# crops converted by them.
BLUE, GREEN, RED, HALF, BITS = 3735, 19235, 9798, 1 << 14, 15


def clip_ids(folder: Path, suffix: str) -> list[str]:
    """The CLIPs of all files below `folder` that end in `suffix`, sorted; ValueError if none."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob(f"*{suffix}")]
    if not names:
        raise ValueError(f"no *{suffix} file found below {folder}")
    return sorted(name.removesuffix(suffix) for name in names)


def read_npz(
    folder: Path, info: ClipInfo, *, channels: Mapping[str, int] | None = None
) -> ClipFeatures:
    """The features of a clip; "multimodal" is optional.

    Reject if the file is missing or unreadable, if its streams differ in length or are not finite,
    or if streams and sizes differ from `channels`.
    """
    path = _path(folder, info, NPZ_SUFFIX)
    try:
        # Opened here: for a damaged archive, np.load(path) would leave the file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            streams = {name: archive[name] for name in STREAMS if name in archive}
    except FileNotFoundError as error:
        raise Reject("missing_file", f"not found: {path}") from error
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise Reject("undecodable", f"{path} is not a feature archive: {error}") from error
    missing = [name for name in ("visual", "audio") if name not in streams]
    if missing:
        raise Reject("undecodable", f"{path} lacks the array {' and '.join(missing)}")
    shapes = {name: list(x.shape) for name, x in streams.items()}
    if any(x.ndim != 2 or x.dtype.kind != "f" for x in streams.values()):
        raise Reject("undecodable", f"{path} must hold floats [t d], holds {shapes}")
    if len({len(x) for x in streams.values()}) > 1:
        raise Reject("length_mismatch", f"{path}: streams differ in length, {shapes}")
    if not all(np.isfinite(x).all() for x in streams.values()):
        raise Reject("undecodable", f"{path} holds values that are not finite")
    clip = ClipFeatures(info._replace(num_frames=len(streams["visual"])), streams)
    if channels is not None and _channels(clip) != channels:
        raise Reject(
            "wrong_size", f"{path} has channels {_channels(clip)}, expected {dict(channels)}"
        )
    return clip


class NpzFolder:
    """Writes official feature files below `directory`.

    ValueError if the folder holds features of another `extraction`.
    """

    dtype = "float32"

    def __init__(self, directory: Path, *, extraction: Extraction):
        self.directory = directory
        self._ledger = Ledger(directory, extraction._asdict())

    def is_written(self, split: Split, index: int) -> bool:
        """Return whether all clips of shard `index` have their files."""
        return self._ledger.is_done(split, index)

    def write(
        self,
        split: Split,
        index: int,
        *,
        clips: Sequence[ClipFeatures],
        rejects: Sequence[tuple[str, Reject]] = (),
    ) -> None:
        """Writes one file per clip in float32, each atomically."""
        for clip in clips:
            _write_npz(self.directory, clip)
        self._ledger.record(split, index, rejects=rejects, num_clips=len(clips))

    def finish(self) -> int:
        """Writes rejects.jsonl; returns the number of rejects."""
        return self._ledger.write_rejects()


def _write_npz(folder: Path, clip: ClipFeatures) -> None:
    path = folder / f"{clip.info.clip_id}{NPZ_SUFFIX}"
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"clip {clip.info.clip_id}: its file would lie outside {folder}")
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {name: x.astype(np.float32) for name, x in clip.streams.items()}
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, **arrays)


def read_roi(folder: Path, info: ClipInfo, *, trim: str) -> WholeClip:
    """A clip of 88 x 88 crops and float32 audio at 16 kHz, trimmed by the rule called `trim`.

    The number of frames is that of the shorter stream. The samples after the last frame are kept:
    the last filterbank window reaches into them. Reject if the pair cannot be used.
    """
    frames = _read_crops(_path(folder, info, ROI_SUFFIX))
    waveform = _read_audio(_path(folder, info, AUDIO_SUFFIX))
    first = int(silence.rule(trim)(tf.constant(waveform), tf.constant([0, 0])).first)
    frames, waveform = frames[first:], waveform[first * SAMPLES_PER_FRAME :]
    num_frames = min(len(frames), _num_audio_frames(len(waveform)))
    margin = (CROP_PIXELS - INPUT_PIXELS) // 2
    crops = frames[:num_frames, margin:-margin, margin:-margin, None]
    leading = int(silence.leading_samples(tf.constant(waveform)))
    status, message = OK if num_frames else ALL_SILENT
    info = info._replace(
        num_frames=num_frames,
        leading_silence_seconds=leading / SAMPLE_RATE,
        status=status,
        message=message,
    )
    return WholeClip(info, crops, waveform)


def whole_clips(
    folder: Path, infos: Iterable[ClipInfo], channels: Mapping[str, int]
) -> Iterator[WholeClip]:
    """The clips of `infos`; an unusable one has no frames and the reject's reason as its status."""
    for info in infos:
        try:
            clip = read_npz(folder, info, channels=channels)
        except Reject as reject:
            empty = np.zeros((0, 1), np.float32)
            unusable = info._replace(status=reject.reason, message=reject.detail)
            yield WholeClip(unusable, empty, empty)
        else:
            yield WholeClip(clip.info, clip.streams["visual"], clip.streams["audio"])


def channels(folder: Path, infos: Sequence[ClipInfo]) -> dict[str, int]:
    """The feature size of each stream in the first readable clip; ValueError if there is none."""
    reject = Reject("missing_file", "the lists name no clip")
    for info in infos:
        try:
            return _channels(read_npz(folder, info))
        except Reject as this:
            reject = this
    raise ValueError(f"no readable features below {folder}: {reject}")


def _channels(clip: ClipFeatures) -> dict[str, int]:
    return {name: x.shape[1] for name, x in clip.streams.items()}


def _path(folder: Path, info: ClipInfo, suffix: str) -> Path:
    """The path of a clip's file; FakeAVCeleb's lists prefix the dataset's name, folders may not."""
    path = folder / f"{info.clip_id}{suffix}"
    shorter = folder / f"{info.clip_id.partition('/')[2]}{suffix}"
    return shorter if shorter.is_file() and not path.is_file() else path


def _read_crops(path: Path) -> UInt8[np.ndarray, "t h w"]:
    frames = []
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                frames.append(_grey(frame.to_ndarray(format="bgr24")))
    except FileNotFoundError as error:
        raise Reject("missing_file", f"not found: {path}") from error
    except (FFmpegError, IndexError) as error:
        raise Reject("undecodable", f"{path}: {error}") from error
    if not frames:
        raise Reject("no_video", f"{path} has no frames")
    if frames[0].shape != (CROP_PIXELS, CROP_PIXELS):
        height, width = frames[0].shape
        raise Reject(
            "no_face",
            f"{path} is {width} x {height}, not a mouth crop of {CROP_PIXELS} x {CROP_PIXELS}: "
            "AVH-Align's preprocessing stores the whole frame where it finds no face",
        )
    return np.stack(frames)


def _grey(bgr: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    blue, green, red = np.moveaxis(bgr.astype(np.int32), -1, 0)
    return ((blue * BLUE + green * GREEN + red * RED + HALF) >> BITS).astype(np.uint8)


def _num_audio_frames(num_samples: int) -> int:
    """Number of stacked filterbank frames that avsync.models.frontend makes of the samples."""
    # A video frame takes 4 windows of 400 samples, 160 apart. The last window may reach beyond the
    # end by its overlap with the one before, 240 samples: so 240 samples more add no frame.
    return max(-(-(num_samples - LOOKAHEAD_SAMPLES) // SAMPLES_PER_FRAME), min(num_samples, 1))


def _read_audio(path: Path) -> Float32[np.ndarray, " s"]:
    if not path.is_file():
        raise Reject("missing_file", f"not found: {path}")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise Reject("undecodable", f"{path}: {error}") from error
    mono = librosa.to_mono(samples.T)
    return librosa.resample(mono, orig_sr=rate, target_sr=SAMPLE_RATE)
