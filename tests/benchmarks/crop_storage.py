"""Formats for storing mouth crops: size, time to read and write, error."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from avsync.input_pipeline.records import Records
from avsync.records.clip_record import PNG_LEVEL, encode_crop
from avsync.units import CROP_PIXELS

CROP = (CROP_PIXELS, CROP_PIXELS, 1)

ROUNDS = 3


class Storage(NamedTuple):
    """encode: uint8 [96 96 1] -> bytes. decode: bytes -> the crop, in TensorFlow."""

    encode: Callable[[np.ndarray], bytes]
    decode: Callable[[tf.Tensor], tf.Tensor]


def jpeg(quality: int) -> Storage:
    return Storage(
        lambda crop: tf.io.encode_jpeg(crop, "grayscale", quality).numpy(),
        lambda encoded: tf.io.decode_image(encoded, channels=1),
    )


STORAGES = {
    f"PNG {PNG_LEVEL}": Storage(
        lambda crop: encode_crop(crop[..., 0], "png"),
        lambda encoded: tf.io.decode_image(encoded, channels=1),
    ),
    "PNG 6": Storage(
        lambda crop: tf.io.encode_png(crop, compression=6).numpy(),
        lambda encoded: tf.io.decode_image(encoded, channels=1),
    ),
    "JPEG 95": jpeg(95),
    "JPEG 90": jpeg(90),
    "raw": Storage(
        lambda crop: crop.tobytes(),
        lambda encoded: tf.reshape(tf.io.decode_raw(encoded, tf.uint8), CROP),
    ),
}


def compare(records: Records, serialized: tf.data.Dataset) -> None:
    """Prints a line per storage format for the crops of these clips; PNG 1 is the default."""
    clips = [
        decode_all(records.parse(record)["frames"], STORAGES["PNG 6"]) for record in serialized
    ]
    crops = [clip.numpy() for clip in clips]
    num_clips, num_frames = len(crops), sum(map(len, crops))
    print(f"storage of {num_clips} clips, {num_frames} frames; CPU milliseconds per clip")
    print(f"{'':>10} {'kB/clip':>10} {'write ms':>9} {'read ms':>9} {'RMS error':>10}")
    reading: dict[str, list[float]] = {name: [] for name in STORAGES}
    writing, stored = {}, {}
    for name, storage in STORAGES.items():
        since = time.process_time()
        stored[name] = [[storage.encode(crop) for crop in clip] for clip in crops]
        writing[name] = time.process_time() - since
    for _ in range(ROUNDS):
        for name, storage in STORAGES.items():
            reading[name].append(_reading_seconds(stored[name], storage))
    for name, storage in STORAGES.items():
        size = sum(len(crop) for clip in stored[name] for crop in clip)
        decoded = [decode_all(clip, storage).numpy() for clip in stored[name]]
        error = np.concatenate(decoded).astype(float) - np.concatenate(crops)
        print(
            f"{name:>10} {size / num_clips / 1000:10.0f} {1000 * writing[name] / num_clips:9.1f} "
            f"{1000 * np.median(reading[name]) / num_clips:9.2f} "
            f"{np.sqrt(np.mean(error**2)):10.2f}"
        )


def decode_all(encoded: Any, storage: Storage) -> tf.Tensor:
    """Crops [t 96 96 1], decoded one by one as in the pipeline."""
    return tf.map_fn(
        lambda image: tf.ensure_shape(storage.decode(image), CROP),
        tf.constant(encoded) if isinstance(encoded, list) else encoded,
        fn_output_signature=tf.TensorSpec(CROP, tf.uint8),
    )


def _reading_seconds(stored: list[list[bytes]], storage: Storage) -> float:
    # Clips differ in length, so each is serialized to one tensor of bytes.
    clips = [tf.io.serialize_tensor(tf.constant(clip)) for clip in stored]
    decoded = (
        tf.data.Dataset.from_tensor_slices(clips)
        .repeat(ROUNDS)
        .map(
            lambda clip: decode_all(
                tf.ensure_shape(tf.io.parse_tensor(clip, tf.string), [None]), storage
            )
        )
    )
    since = time.process_time()
    decoded.reduce(0, lambda n, _: n + 1)
    return (time.process_time() - since) / ROUNDS
