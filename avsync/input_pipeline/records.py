"""The records of a dataset: where they lie, who reads which, and how one becomes arrays.

There are two kinds. A record of clips holds encoded mouth crops and a waveform, and is trimmed as
it is read. A record of features holds what a frozen encoder made of both; it was trimmed before,
for what an encoder has once heard is not cut out of its features.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.pp import augment, silence
from avsync.pp.augment import Augmentation
from avsync.pp.resync import resync
from avsync.pp.silence import Kept
from avsync.types import Extraction, Host, Source
from avsync.units import SAMPLE_RATE, SAMPLES_PER_FRAME

# What TFDS parses of a record, by name.
Fields = dict[str, Any]

# Of a row of `rows_of`: the path of a file, how many of its records to skip and then to take, and
# which of these to leave out, counted from 0, with spaces between.
ROW_COLUMNS = ("file", "skip", "take", "left_out")

# Of a record of features, those that a model takes.
STREAMS = ("visual", "audio")

# For what tf.data calls. AutoGraph would rewrite control flow that depends on a tensor; there is
# none, and looking for it takes a second at each start.
as_written = tf.autograph.experimental.do_not_convert


class Records(NamedTuple):
    """How a record is read. All functions run inside `tf.data.Dataset.map`.

    parse: serialized record -> fields; pictures stay encoded.
    keep: (fields, int32 seed [2]) -> the frames that trimming leaves.
    load: (fields, kept, amount, int32 seed [2]) -> (visual, audio) of these frames. Pictures are
      augmented, or cropped centrally if `amount` is None; features are left as they are.
    leading_seconds: (fields, kept) -> the silence that is left before the first sound.
    audio_steps: of `audio` to each frame.
    """

    parse: Callable[[tf.Tensor], Fields]
    keep: Callable[[Fields, tf.Tensor], Kept]
    load: Callable[[Fields, Kept, Augmentation | None, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    leading_seconds: Callable[[Fields, Kept], tf.Tensor]
    audio_steps: int


def open_records(source: Source, *, trim: str) -> Records:
    """The records of `source`, trimmed by the rule called `trim`.

    ValueError if there is no such rule, or if the features were trimmed by another one.
    """
    features: Any = tfds.builder_from_directory(source.directory).info.features
    if source.extraction:
        return _features(source, source.extraction, features, trim)
    keep = silence.rule(trim)
    skip_frames = {"frames": tfds.decode.SkipDecoding()}

    def leading_seconds(clip: Fields, kept: Kept) -> tf.Tensor:
        _, waveform = silence.cut(kept, clip["frames"], clip["waveform"])
        return silence.leading_samples(waveform) / SAMPLE_RATE

    return Records(
        parse=_in_sync(
            source,
            lambda record: features.deserialize_example(record, decoders=skip_frames),
            streams=("frames", "waveform"),
            audio_steps=SAMPLES_PER_FRAME,
        ),
        keep=lambda clip, seed: keep(clip["waveform"], seed),
        load=_load_clip,
        leading_seconds=leading_seconds,
        audio_steps=SAMPLES_PER_FRAME,
    )


def share(num_items: int, host: Host) -> range:
    """This host's part of so many items; the parts cover all and differ by one item at most."""
    size, num_larger = divmod(num_items, host.count)
    first = host.index * size + min(host.index, num_larger)
    return range(first, first + size + (host.index < num_larger))


def rows_of(source: Source, clips: range) -> list[list[str]]:
    """These clips of the split, by their numbers in the order on disk, as rows of ROW_COLUMNS.

    A number counts the clips that are not left out.
    """
    rows, before, stored = [], 0, _stored(source, clips)
    for item in _files(source):
        first = max(stored.start - before, 0)
        end = min(stored.stop - before, item.take)
        if first < end:
            left_out = source.gated.left_out.intersection(range(before + first, before + end))
            places = " ".join(str(number - before - first) for number in sorted(left_out))
            rows.append([item.filename, str(item.skip + first), str(end - first), places])
        before += item.take
    return rows


def num_files(source: Source) -> int:
    """Of the split."""
    return len(_files(source))


@as_written
def read_file(row: tf.Tensor) -> tf.data.Dataset:
    """The serialized records of one row of `rows_of`."""
    skip, take = (tf.strings.to_number(row[i], tf.int64) for i in (1, 2))
    left_out: Any = tf.strings.to_number(tf.strings.split(row[3]), tf.int64)
    records: Any = tf.data.TFRecordDataset(row[0]).skip(skip).take(take).enumerate()
    records = records.filter(lambda place, record: ~tf.reduce_any(left_out == place))
    return records.map(lambda place, record: record)


def _stored(source: Source, clips: range) -> range:
    """The stretch of the split, what is left out counted in, that begins and ends with `clips`."""
    left_out = source.gated.left_out
    if not left_out or not clips:
        return clips
    kept = np.ones(source.num_clips + len(left_out), bool)
    kept[list(left_out)] = False
    first, last = np.flatnonzero(kept)[[clips.start, clips.stop - 1]].tolist()
    return range(first, last + 1)


def _files(source: Source) -> Any:
    splits: Any = tfds.builder_from_directory(source.directory).info.splits
    return splits[source.split].file_instructions


def _in_sync(
    source: Source,
    parse: Callable[[tf.Tensor], Fields],
    *,
    streams: tuple[str, str],
    audio_steps: int,
) -> Callable[[tf.Tensor], Fields]:
    """`parse`, and then the sound of those clips moved back that `source` says come late."""
    late = source.gated.late_frames
    if not late:
        return parse
    late_frames = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(late), tf.string), tf.constant(list(late.values()), tf.int32)
        ),
        default_value=0,
    )

    def parse_in_sync(record: tf.Tensor) -> Fields:
        clip = parse(record)
        moved = resync(
            *[clip[name] for name in streams],
            late_frames=late_frames.lookup(clip["clip_id"]),
            steps=audio_steps,
        )
        return clip | dict(zip(streams, moved, strict=True))

    return parse_in_sync


def _load_clip(
    clip: Fields, kept: Kept, amount: Augmentation | None, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    encoded, waveform = silence.cut(kept, clip["frames"], clip["waveform"])
    frames = _decode(encoded)
    if amount is None:
        return augment.centre_crop(frames), waveform
    return augment.augment(frames, waveform, amount=amount, seed=seed)


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    """Encoded grey frames [t] to uint8 [t 96 96 1]."""
    size = augment.CROP_PIXELS
    return tf.map_fn(
        lambda image: tf.ensure_shape(tf.io.decode_image(image, channels=1), [size, size, 1]),
        encoded,
        fn_output_signature=tf.TensorSpec([size, size, 1], tf.uint8),
    )


def _features(source: Source, extraction: Extraction, features: Any, trim: str) -> Records:
    if trim != extraction.trim:
        raise ValueError(
            f"{source.dataset}: its features were extracted with --trim={extraction.trim}, and "
            f"trim {trim!r} is asked for. Features cannot be trimmed afterwards: extract them with "
            f"--trim={trim}, or ask for {extraction.trim!r}."
        )

    others = {
        name: tfds.decode.SkipDecoding() for name in extraction.channels if name not in STREAMS
    }

    def load(
        clip: Fields, kept: Kept, amount: Augmentation | None, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        del amount, seed
        visual, audio = (clip[name][kept.first : kept.end] for name in STREAMS)
        return visual, audio

    return Records(
        parse=_in_sync(
            source,
            lambda record: features.deserialize_example(record, decoders=others),
            streams=STREAMS,
            audio_steps=1,
        ),
        keep=lambda clip, seed: Kept(tf.constant(0), tf.shape(clip["visual"])[0]),
        load=load,
        leading_seconds=lambda clip, kept: clip["leading_silence_seconds"],
        audio_steps=1,
    )
