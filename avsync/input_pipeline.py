"""Prepared clips to batches, with tf.data: read, shuffle, skip, decode, trim, window, batch.

Batch n is a function of (seed, n, host) alone: the training stream is a sequence of epochs, each a
permutation drawn from (seed, epoch), and record p of the stream draws its randomness from
(seed, p). A restarted run starts reading at record n * batch_size, in the epoch where it left off,
and skips serialized records, before anything is parsed or decoded.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.pp import augment, silence, window
from avsync.types import Batch, ClipInfo, Host, Source
from avsync.units import SAMPLE_RATE, SAMPLES_PER_FRAME

# Serialized clips held for shuffling; they are about 0.4 MB each, so this is below 0.5 GB.
SHUFFLE_CLIPS = 1024

# Evaluated clips are padded to a multiple of this many frames: a handful of shapes to compile for.
BUCKET_FRAMES = 25

ALONE = Host()


class TrainBatch(NamedTuple):
    """A batch for the device and the ids of its clips for the log."""

    batch: Batch
    clip_ids: list[str]


class EvalBatch(NamedTuple):
    """A batch for the device and what is known of its clips; rows beyond `infos` are padding."""

    batch: Batch
    infos: list[ClipInfo]


def train_batches(
    source: Source,
    *,
    batch_size: int,
    window_frames: int,
    trim: str,
    seed: int,
    first_step: int = 0,
    host: Host = ALONE,
    amount: augment.Augmentation | None = None,
) -> Iterator[TrainBatch]:
    """An endless stream of batches of this host's clips, beginning with batch `first_step`.

    `batch_size` is this host's. `amount` None means no augmentation: the central crop.
    ValueError if this host's share of `source` is empty.
    """
    files, num_clips = _share(source, host)
    if num_clips == 0:
        raise ValueError(
            f"{source.dataset}/{source.split} has {source.num_clips} clips: none is left for "
            f"process {host.index} of {host.count}. Use fewer processes or more clips."
        )
    epoch, skip = divmod(first_step * batch_size, num_clips)
    parse = _parser(source)
    keep = silence.rule(trim)

    def read_epoch(index: Any) -> tf.data.Dataset:
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), index]), 2)
        shuffle_seed: Any = tf.cast(seeds[1, 0], tf.int64)
        order = tf.argsort(tf.random.stateless_uniform([len(files)], seeds[0]))
        records = tf.data.Dataset.from_tensor_slices(tf.gather(tf.constant(files), order))
        records = records.interleave(_read_file, cycle_length=4)
        return records.shuffle(
            min(num_clips, SHUFFLE_CLIPS),
            seed=shuffle_seed,
            reshuffle_each_iteration=False,
        )

    def make_example(position: tf.Tensor, record: tf.Tensor) -> dict[str, Any]:
        stream = position * host.count + host.index
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), stream]), 3)
        clip = parse(record)
        kept = keep(clip["waveform"], seeds[0])
        kept = window.random_window(kept, window_frames=window_frames, seed=seeds[1])
        encoded, waveform = silence.cut(kept, clip["frames"], clip["waveform"])
        frames = _decode(encoded)
        if amount is None:
            frames = augment.centre_crop(frames)
        else:
            frames, waveform = augment.augment(frames, waveform, amount=amount, seed=seeds[2])
        return {
            "clip_id": clip["clip_id"],
            "visual": window.pad(frames, window_frames),
            "audio": window.pad(waveform, window_frames * SAMPLES_PER_FRAME),
            "valid": tf.range(window_frames) < tf.shape(frames)[0],
            "label": clip["label"],
        }

    dataset = (
        tf.data.Dataset.range(epoch, tf.int64.max)
        .flat_map(read_epoch)
        .skip(skip)
        .enumerate(epoch * num_clips + skip)
        .map(make_example, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
        .prefetch(2)
    )
    items: Any = dataset.as_numpy_iterator()
    for item in items:
        batch = Batch(item["visual"], item["audio"], item["valid"], item["label"])
        yield TrainBatch(batch, [clip_id.decode() for clip_id in item["clip_id"]])


def eval_batches(
    source: Source, *, batch_size: int, trim: str, host: Host = ALONE
) -> Iterator[EvalBatch]:
    """Every clip of this host's share once, whole, in the order on disk.

    Batches are padded behind to `batch_size` rows and to a common number of frames, a multiple of
    BUCKET_FRAMES. A clip with nothing left after trimming is a row without a valid frame.
    """
    files, _ = _share(source, host)
    parse = _parser(source)
    keep = silence.rule(trim)

    def make_example(record: tf.Tensor) -> dict[str, Any]:
        clip = parse(record)
        kept = keep(clip["waveform"], tf.constant([0, 0]))
        encoded, waveform = silence.cut(kept, clip["frames"], clip["waveform"])
        return {
            **{name: clip[name] for name in ("clip_id", "category", "manipulation", "identity")},
            "visual": augment.centre_crop(_decode(encoded)),
            "audio": waveform,
            "label": clip["label"],
            "leading_samples": silence.leading_samples(waveform),
        }

    if not files:
        return
    dataset = (
        tf.data.Dataset.from_tensor_slices(tf.constant(files))
        .flat_map(_read_file)
        .map(make_example, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(batch_size)
    )
    rows: list[dict[str, Any]] = []
    clips: Any = dataset.as_numpy_iterator()
    for row in clips:
        rows.append(row)
        if len(rows) == batch_size:
            yield _padded(rows, batch_size)
            rows = []
    if rows:
        yield _padded(rows, batch_size)


def _share(source: Source, host: Host) -> tuple[list[list[str]], int]:
    """This host's part of the split, as rows of (file, skip, take), and its number of clips.

    The parts are disjoint, cover the split, and differ by at most one clip.
    """
    if source.num_clips < host.count:
        return [], 0
    info = tfds.builder_from_directory(source.directory).info
    part = tfds.even_splits(source.split, n=host.count)[host.index]
    share = info.splits[part]
    rows = [[item.filename, str(item.skip), str(item.take)] for item in share.file_instructions]
    return rows, share.num_examples


def _read_file(row: tf.Tensor) -> tf.data.Dataset:
    skip, take = (tf.strings.to_number(row[i], tf.int64) for i in (1, 2))
    return tf.data.TFRecordDataset(row[0]).skip(skip).take(take)


def _parser(source: Source) -> Callable[[tf.Tensor], dict[str, Any]]:
    """serialized record -> fields of a clip, its frames still encoded."""
    features: Any = tfds.builder_from_directory(source.directory).info.features
    skip_frames = {"frames": tfds.decode.SkipDecoding()}
    return lambda record: features.deserialize_example(record, decoders=skip_frames)


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    """Encoded grey frames [t] to uint8 [t 96 96 1]."""
    size = augment.CROP_PIXELS
    return tf.map_fn(
        lambda image: tf.ensure_shape(tf.io.decode_image(image, channels=1), [size, size, 1]),
        encoded,
        fn_output_signature=tf.TensorSpec([size, size, 1], tf.uint8),
    )


def _padded(rows: list[dict[str, Any]], batch_size: int) -> EvalBatch:
    num_frames = [len(row["visual"]) for row in rows]
    length = max(1, -(-max(num_frames) // BUCKET_FRAMES)) * BUCKET_FRAMES
    batch = Batch(
        visual=np.zeros((batch_size, length, *rows[0]["visual"].shape[1:]), np.uint8),
        audio=np.zeros((batch_size, length * SAMPLES_PER_FRAME), np.int16),
        valid=np.zeros((batch_size, length), bool),
        label=np.zeros(batch_size, np.int32),
    )
    for i, row in enumerate(rows):
        batch.visual[i, : num_frames[i]] = row["visual"]
        batch.audio[i, : len(row["audio"])] = row["audio"]
        batch.valid[i, : num_frames[i]] = True
        batch.label[i] = row["label"]
    infos = [
        ClipInfo(
            clip_id=row["clip_id"].decode(),
            category=row["category"].decode(),
            manipulation=row["manipulation"].decode(),
            identity=row["identity"].decode(),
            leading_silence_seconds=int(row["leading_samples"]) / SAMPLE_RATE,
            num_frames=n,
        )
        for row, n in zip(rows, num_frames, strict=True)
    ]
    return EvalBatch(batch, infos)
