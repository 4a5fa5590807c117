"""The files of AVH-Align: features of a clip in an .npz, and the pairs that they are made from.

    CLIP.npz                  visual, audio, multimodal: float32 [t 1024]
    CLIP_roi.mp4, CLIP.wav    mouth crops of 96 x 96 pixels, one a frame of 25 fps; and the sound

CLIP is a path below some folder, the same in both and in the lists of clips.
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
from avsync.features.store import ClipFeatures
from avsync.media.rejects import Reject
from avsync.pp import silence
from avsync.pp.augment import INPUT_PIXELS
from avsync.types import ClipInfo, Extraction, WholeClip
from avsync.units import CROP_PIXELS, LOOKAHEAD_SAMPLES, SAMPLE_RATE, SAMPLES_PER_FRAME

STREAMS = ("visual", "audio", "multimodal")

NPZ_SUFFIX, ROI_SUFFIX, SOUND_SUFFIX = ".npz", "_roi.mp4", ".wav"

# BGR to grey as OpenCV computes it, in integers of 15 fractional bits; facts that AV-HuBERT's
# training crops depend on.
BLUE, GREEN, RED, HALF, BITS = 3735, 19235, 9798, 1 << 14, 15


def clip_ids(folder: Path, suffix: str) -> list[str]:
    """The CLIPs of all files below `folder` that end in `suffix`, sorted.

    ValueError if there is none.
    """
    found = [path.relative_to(folder).as_posix() for path in folder.rglob(f"*{suffix}")]
    if not found:
        raise ValueError(f"no file *{suffix} below {folder}")
    return sorted(name.removesuffix(suffix) for name in found)


def read_npz(
    folder: Path, info: ClipInfo, *, channels: Mapping[str, int] | None = None
) -> ClipFeatures:
    """The features of a clip; Reject if there are none, or not one of each stream for each frame.

    "multimodal" may be missing. With `channels`, other streams or sizes are refused.
    """
    path = _path(folder, info, NPZ_SUFFIX)
    try:
        # Opened here: for a damaged archive, np.load(path) would leave the file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            streams = {name: archive[name] for name in STREAMS if name in archive}
    except FileNotFoundError as error:
        raise Reject("missing_file", f"there is no {path}") from error
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise Reject("undecodable", f"{path} is no archive of features: {error}") from error
    missing = [name for name in ("visual", "audio") if name not in streams]
    if missing:
        raise Reject("undecodable", f"{path} has no array {' and no '.join(missing)}")
    shapes = {name: list(x.shape) for name, x in streams.items()}
    if any(x.ndim != 2 or x.dtype.kind != "f" for x in streams.values()):
        raise Reject("undecodable", f"{path} must have floats [t d], has {shapes}")
    if len({len(x) for x in streams.values()}) > 1:
        raise Reject("length_mismatch", f"{path}: its streams differ in frames, {shapes}")
    if not all(np.isfinite(x).all() for x in streams.values()):
        raise Reject("undecodable", f"{path} has values that are not finite")
    clip = ClipFeatures(info._replace(num_frames=len(streams["visual"])), streams)
    if channels is not None and _channels(clip) != channels:
        raise Reject("wrong_size", f"{path} has {_channels(clip)}, others have {dict(channels)}")
    return clip


class NpzFolder:
    """The official files of features extracted as `extraction` says, below `directory`.

    ValueError if the folder was begun with another encoder, or trimmed otherwise.
    """

    dtype = "float32"

    def __init__(self, directory: Path, *, extraction: Extraction):
        self.directory = directory
        self._ledger = Ledger(directory, extraction._asdict())

    def is_written(self, split: Split, index: int) -> bool:
        """Whether all clips of this part of the split have their files."""
        return self._ledger.is_done(split, index)

    def write(
        self,
        split: Split,
        index: int,
        *,
        clips: Sequence[ClipFeatures],
        rejects: Sequence[tuple[str, Reject]] = (),
    ) -> None:
        """Writes a file for each clip, in float32, whole or not at all."""
        for clip in clips:
            _write_npz(self.directory, clip)
        self._ledger.record(split, index, rejects=rejects, num_clips=len(clips))

    def finish(self) -> int:
        """Writes rejects.jsonl; returns how many there are."""
        return self._ledger.write_rejects()


def _write_npz(folder: Path, clip: ClipFeatures) -> None:
    path = folder / f"{clip.info.clip_id}{NPZ_SUFFIX}"
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"clip {clip.info.clip_id} would be written outside of {folder}")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    arrays: dict[str, Any] = {name: x.astype(np.float32) for name, x in clip.streams.items()}
    with unfinished.open("wb") as file:
        np.savez(file, **arrays)
    unfinished.replace(path)


def read_roi(folder: Path, info: ClipInfo, *, trim: str) -> WholeClip:
    """The crops, cut to 88 x 88, and the sound of a clip, cut at the longer one's end.

    Sound is float32 at 16 kHz and keeps what follows the last frame, of which the analysis of that
    frame hears a little. Trimming cuts both before anything is computed. Reject, with the reason,
    if the pair cannot be used.
    """
    frames = _crops(_path(folder, info, ROI_SUFFIX))
    waveform = _sound(_path(folder, info, SOUND_SUFFIX))
    first = int(silence.rule(trim)(tf.constant(waveform), tf.constant([0, 0])).first)
    frames, waveform = frames[first:], waveform[first * SAMPLES_PER_FRAME :]
    num_frames = min(len(frames), _frames_heard(len(waveform)))
    margin = (CROP_PIXELS - INPUT_PIXELS) // 2
    crops = frames[:num_frames, margin:-margin, margin:-margin, None]
    leading = int(silence.leading_samples(tf.constant(waveform)))
    is_silent = num_frames == 0
    known = info._replace(
        num_frames=num_frames,
        leading_silence_seconds=leading / SAMPLE_RATE,
        status="all_silent" if is_silent else "ok",
        message="no sound is left once silence is trimmed" if is_silent else "",
    )
    return WholeClip(known, crops, waveform)


def whole_clips(
    folder: Path, infos: Iterable[ClipInfo], channels: Mapping[str, int]
) -> Iterator[WholeClip]:
    """Clips whose features are in `folder`; one that cannot be used has no frame, and says why."""
    for info in infos:
        try:
            clip = read_npz(folder, info, channels=channels)
        except Reject as reject:
            nothing = np.zeros((0, 1), np.float32)
            unread = info._replace(status=reject.reason, message=reject.detail)
            yield WholeClip(unread, nothing, nothing)
        else:
            yield WholeClip(clip.info, clip.streams["visual"], clip.streams["audio"])


def channels(folder: Path, infos: Sequence[ClipInfo]) -> dict[str, int]:
    """Of each stream's features, by the first clip that can be read; ValueError if none can."""
    reject = Reject("missing_file", "no clip is listed")
    for info in infos:
        try:
            return _channels(read_npz(folder, info))
        except Reject as this:
            reject = this
    raise ValueError(f"no features can be read below {folder}: {reject}")


def _channels(clip: ClipFeatures) -> dict[str, int]:
    return {name: x.shape[1] for name, x in clip.streams.items()}


def _path(folder: Path, info: ClipInfo, suffix: str) -> Path:
    """Lists of FakeAVCeleb begin with the name of the dataset; folders do not always."""
    path = folder / f"{info.clip_id}{suffix}"
    shorter = folder / f"{info.clip_id.partition('/')[2]}{suffix}"
    return shorter if shorter.is_file() and not path.is_file() else path


def _crops(path: Path) -> UInt8[np.ndarray, "t h w"]:
    frames = []
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                frames.append(_grey(frame.to_ndarray(format="bgr24")))
    except FileNotFoundError as error:
        raise Reject("missing_file", f"there is no {path}") from error
    except (FFmpegError, IndexError) as error:
        raise Reject("undecodable", f"{path}: {error}") from error
    if not frames:
        raise Reject("no_video", f"{path} has no frame")
    if frames[0].shape != (CROP_PIXELS, CROP_PIXELS):
        height, width = frames[0].shape
        raise Reject(
            "no_face",
            f"{path} is {width} x {height}, mouth crops are {CROP_PIXELS} x {CROP_PIXELS}: where "
            "it found no face, AVH-Align's preprocessing stored the whole picture",
        )
    return np.stack(frames)


def _grey(bgr: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    blue, green, red = np.moveaxis(bgr.astype(np.int32), -1, 0)
    return ((blue * BLUE + green * GREEN + red * RED + HALF) >> BITS).astype(np.uint8)


def _frames_heard(num_samples: int) -> int:
    """Stacked filterbank frames of so many samples, as avsync.models.frontend makes them."""
    # Of 4 t analyses, one each 160 samples and 400 long, the last may reach beyond the end by what
    # it does not share with the one before: so 240 samples more are no frame more.
    return max(-(-(num_samples - LOOKAHEAD_SAMPLES) // SAMPLES_PER_FRAME), min(num_samples, 1))


def _sound(path: Path) -> Float32[np.ndarray, " s"]:
    if not path.is_file():
        raise Reject("missing_file", f"there is no {path}")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise Reject("undecodable", f"{path}: {error}") from error
    mono = librosa.to_mono(samples.T)
    return librosa.resample(mono, orig_sr=rate, target_sr=SAMPLE_RATE)
