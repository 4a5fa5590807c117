"""The records of a dataset: where they are stored, how hosts share them, how they become arrays.

There are two kinds. A record of clips holds encoded mouth crops and a waveform, and is trimmed when
it is read. A record of features holds the output of a frozen encoder. It was trimmed before
extraction: an encoder's context has spread any silence over the features around it.
"""

from collections.abc import Callable, Iterator
from os.path import dirname
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.input_pipeline import clip_frames
from avsync.input_pipeline.clip_frames import Fields
from avsync.input_pipeline.damage import read_rows
from avsync.input_pipeline.fetching import fetched
from avsync.mirror import address_of
from avsync.pp import silence
from avsync.pp.augmentation import Augmentation
from avsync.pp.frames import FrameRange, cut, realign
from avsync.pp.pseudo_fakes import Draws, forge_features
from avsync.records.shards import require_tfrecord
from avsync.types import STREAMS, Extraction, Host, Source, SplitEdits
from avsync.units import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

SINGLE_HOST = Host()

# For functions that tf.data calls: they have no control flow that depends on a tensor, and
# AutoGraph takes a second at each start to look for it.
no_autograph = tf.autograph.experimental.do_not_convert


class Records(NamedTuple):
    """Functions that read a record; all run inside `tf.data.Dataset.map`.

    parse: serialized record -> fields; mouth crops stay encoded.
    trim: (fields, int32 seed [2]) -> the frames to keep.
    source_frames: (frames of a window, augmentation, int32 seed [2]) -> the frames of a clip that
      `load` makes them of, with the same seed.
    change: (fields, span, draws) -> fields and span of the kept frames alone, changed by
      avsync.pp.pseudo_fakes as drawn; crops are decoded, and not yet augmented.
    shown: (bool of each kept frame, augmentation, int32 seed [2]) -> the same of each frame that
      `load` makes of them, with the same seed.
    load: (fields, span, augmentation, int32 seed [2]) -> (visual, audio) of the kept frames. Crops
      are augmented, or centre-cropped if `augmentation` is None; features stay as they are.
    leading_seconds: (fields, span) -> the silence left before the first sound.
    audio_steps: steps of `audio` per frame.
    streams: names of the parsed fields that `load` reads.
    """

    parse: Callable[[tf.Tensor], Fields]
    trim: Callable[[Fields, tf.Tensor], FrameRange]
    source_frames: Callable[[int, Augmentation | None, tf.Tensor], tf.Tensor | int]
    change: Callable[[Fields, FrameRange, Draws], tuple[Fields, FrameRange]]
    shown: Callable[[tf.Tensor, Augmentation | None, tf.Tensor], tf.Tensor]
    load: Callable[[Fields, FrameRange, Augmentation | None, tf.Tensor], tuple[Any, Any]]
    leading_seconds: Callable[[Fields, FrameRange], tf.Tensor]
    audio_steps: int
    streams: tuple[str, str]


class FileSlice(NamedTuple):
    """Consecutive records of a file: `skip`, then `take`, without those at indices `dropped`."""

    path: str
    skip: int
    take: int
    dropped: list[int]


def open_records(source: Source, *, trim: str) -> Records:
    """The readers of `source`'s records, trimmed by the rule called `trim`.

    ValueError if the rule is unknown, or if the features were trimmed by another one.
    """
    features: Any = tfds.builder_from_directory(source.directory).info.features
    if source.extraction:
        return _feature_records(source, source.extraction, features, trim)
    rule = silence.rule(trim)
    streams = ("frames", "waveform")
    realigned = realigner(source, streams=streams, audio_steps=SAMPLES_PER_FRAME)

    def leading_seconds(clip: Fields, span: FrameRange) -> tf.Tensor:
        _, waveform = cut(span, clip["frames"], clip["waveform"])
        return silence.leading_samples(waveform) / SAMPLE_RATE

    return Records(
        parse=lambda record: realigned(
            features.deserialize_example(record, decoders=crops_as_stored(features))
        ),
        trim=lambda clip, seed: rule(clip["waveform"], seed),
        source_frames=clip_frames.source_frames,
        change=clip_frames.change_clip,
        shown=clip_frames.shown,
        load=clip_frames.load_clip,
        leading_seconds=leading_seconds,
        audio_steps=SAMPLES_PER_FRAME,
        streams=streams,
    )


def crops_as_stored(features: Any) -> dict[str, Any]:
    """TFDS decoders that leave encoded mouth crops as they are; bare pixels become frames."""
    is_encoded = not isinstance(features["frames"], tfds.features.Tensor)
    return {"frames": tfds.decode.SkipDecoding()} if is_encoded else {}


def host_range(num_items: int, host: Host) -> range:
    """This host's items out of `num_items`; hosts differ by one item at most."""
    size, num_larger = divmod(num_items, host.count)
    first = host.index * size + min(host.index, num_larger)
    return range(first, first + size + (host.index < num_larger))


def num_files(source: Source) -> int:
    """The number of files of the split."""
    return len(_files(source))


def read_records(source: Source, clips: range) -> Any:
    """A dataset of the serialized records of `clips`, as for `file_slices`."""
    return slice_dataset(as_tensors(file_slices(source, clips))).flat_map(read_slice)


def parsed_records(
    source: Source,
    clips: range,
    parse: Callable[[tf.Tensor], Any],
    *,
    num_ahead: int = tf.data.AUTOTUNE,
) -> Iterator[Any]:
    """What `parse` makes of each serialized record of `clips`, as NumPy arrays.

    `clips` are indices as for `file_slices`; up to `num_ahead` records are parsed ahead. ValueError
    names a damaged file.
    """
    if not clips:
        return
    dataset = read_records(source, clips).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    yield from read_rows(dataset.prefetch(num_ahead), source)


def file_slices(source: Source, clips: range) -> list[FileSlice]:
    """The file slices that store `clips`, given by their indices in the order on disk.

    The indices do not count the clips that `source.edits` drops.
    """
    slices, before, stored = [], 0, _stored_range(source, clips)
    for file in _files(source):
        first = max(stored.start - before, 0)
        end = min(stored.stop - before, file.take)
        if first < end:
            dropped = source.edits.dropped.intersection(range(before + first, before + end))
            dropped = [index - before - first for index in sorted(dropped)]
            slices.append(FileSlice(file.filename, file.skip + first, end - first, dropped))
        before += file.take
    return slices


def as_tensors(slices: list[FileSlice]) -> dict[str, Any]:
    """The fields of `slices`, each with a leading axis of slices.

    Slices of mirrored files have a field `address` more, by which `read_slice` knows them.
    """
    # Padded with -1, which is no index: TensorFlow prints a page of warnings on a dataset of ragged
    # rows.
    dropped = np.full((len(slices), max((len(x.dropped) for x in slices), default=0)), -1, np.int64)
    for row, piece in zip(dropped, slices, strict=True):
        row[: len(piece.dropped)] = piece.dropped
    addresses = _addresses(slices)
    return {
        **({"address": tf.constant(addresses, tf.string)} if any(addresses) else {}),
        "path": tf.constant([x.path for x in slices], tf.string),
        "skip": tf.constant([x.skip for x in slices], tf.int64),
        "take": tf.constant([x.take for x in slices], tf.int64),
        "dropped": tf.constant(dropped),
    }


def slice_dataset(slices: Any) -> Any:
    """A dataset of the slices of `as_tensors`, for `read_slice`."""
    return tf.data.Dataset.from_tensor_slices(slices)


@no_autograph
def read_slice(file: dict[str, Any]) -> tf.data.Dataset:
    """The serialized records of one slice of `as_tensors`."""
    path = fetched(file["path"]) if "address" in file else file["path"]
    records: Any = tf.data.TFRecordDataset(path)
    records = records.skip(file["skip"]).take(file["take"]).enumerate()
    records = records.filter(lambda index, record: ~tf.reduce_any(file["dropped"] == index))
    return records.map(lambda index, record: record)


def _addresses(slices: list[FileSlice]) -> list[str]:
    """Where the files come from; "" for files that are no copies."""
    folders = {folder: address_of(folder) or "" for folder in {dirname(x.path) for x in slices}}
    return [folders[dirname(x.path)] for x in slices]


def _stored_range(source: Source, clips: range) -> range:
    """The indices on disk, dropped clips included, from the first to the last of `clips`."""
    dropped = source.edits.dropped
    if not dropped or not clips:
        return clips
    is_kept = np.ones(source.num_clips + len(dropped), bool)
    is_kept[list(dropped)] = False
    first, last = np.flatnonzero(is_kept)[[clips.start, clips.stop - 1]].tolist()
    return range(first, last + 1)


def _files(source: Source) -> Any:
    splits: Any = tfds.builder_from_directory(source.directory).info.splits
    files = splits[source.split].file_instructions
    require_tfrecord(source.dataset, *[file.filename for file in files])
    return files


def realigner(
    source: Source, *, streams: tuple[str, str], audio_steps: int
) -> Callable[[Fields], Fields]:
    """Parsed fields -> the same, `realign`ed where `source.edits` shift the sound.

    Forged segments keep to the frames of the picture.
    """
    edits = source.edits
    if not edits.late_frames and not edits.corpus_late_frames:
        return lambda clip: clip
    late_frames = _late_frames(edits)

    @no_autograph
    def realigned(clip: Fields) -> Fields:
        late = late_frames(clip["clip_id"])
        both = realign(*[clip[x] for x in streams], late_frames=late, audio_steps=audio_steps)
        clip = clip | dict(zip(streams, both, strict=True))
        if "fake_segments" in clip:
            cut = tf.cast(tf.maximum(-late, 0), tf.float32) / FRAMES_PER_SECOND
            clip["fake_segments"] = tf.maximum(clip["fake_segments"] - cut, 0)
        return clip

    return realigned


def _late_frames(edits: SplitEdits) -> Callable[[tf.Tensor], tf.Tensor]:
    """(clip id) -> frames that its sound is late."""
    if not edits.late_frames:  # a table may not be empty
        return lambda clip_id: tf.constant(edits.corpus_late_frames, tf.int32)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(edits.late_frames), tf.string),
            tf.constant(list(edits.late_frames.values()), tf.int32),
        ),
        default_value=edits.corpus_late_frames,
    )
    return table.lookup


def _change_features(clip: Fields, span: FrameRange, draws: Draws) -> tuple[Fields, FrameRange]:
    visual, audio = forge_features(
        *[clip[name][span.first : span.end] for name in STREAMS], draws=draws
    )
    changed = clip | {"visual": visual, "audio": audio}
    return changed, FrameRange(tf.constant(0), tf.shape(visual)[0])


def _feature_records(source: Source, extraction: Extraction, features: Any, trim: str) -> Records:
    if trim != extraction.trim:
        raise ValueError(
            f"{source.dataset}: its features were extracted with --trim={extraction.trim}, but the "
            f"requested trim is {trim!r}. Features cannot be trimmed afterwards: extract them with "
            f"--trim={trim}, or request {extraction.trim!r}."
        )
    realigned = realigner(source, streams=STREAMS, audio_steps=1)
    unread = {
        name: tfds.decode.SkipDecoding() for name in extraction.channels if name not in STREAMS
    }

    def load(
        clip: Fields, span: FrameRange, augmentation: Augmentation | None, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        del augmentation, seed
        visual, audio = (clip[name][span.first : span.end] for name in STREAMS)
        return visual, audio

    return Records(
        parse=lambda record: realigned(features.deserialize_example(record, decoders=unread)),
        trim=lambda clip, seed: FrameRange(tf.constant(0), tf.shape(clip["visual"])[0]),
        source_frames=lambda window_frames, augmentation, seed: window_frames,
        change=_change_features,
        shown=lambda marks, augmentation, seed: marks,
        load=load,
        leading_seconds=lambda clip, span: clip["leading_silence_seconds"],
        audio_steps=1,
        streams=STREAMS,
    )
