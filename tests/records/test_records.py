"""Records are written without TensorFlow as it would write them, and every storage is readable."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.example_serializer import ExampleSerializer

from avsync.datasets.base import open_source
from avsync.datasets.folder import Builder
from avsync.input_pipeline.clips import read_clips
from avsync.input_pipeline.contents import read_digests
from avsync.input_pipeline.sampling import read_samples
from avsync.records.clip_record import (
    STORAGES,
    Serializer,
    as_png,
    clip_features,
    encode_crop,
    parse_record,
)
from avsync.records.tfrecord import framed, read_at
from avsync.types import Clip


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def smooth(*shape: int) -> np.ndarray:
    t, y, x, _ = np.ogrid[tuple(slice(n) for n in shape)]
    return (128 + 99 * np.sin(t + y / 9) * np.cos(x / 17)).astype(np.uint8)


@pytest.fixture
def clip() -> Clip:
    """A clip with a value in every field, and a frame that is there twice."""
    frames = smooth(30, 96, 96, 1)
    frames[7] = frames[3]
    return Clip(
        clip_id="übung",
        frames=frames,
        waveform=np.arange(-300, 30 * 640 - 300).astype(np.int16),
        label=1,
        category="RV-FA",
        manipulation="splice",
        identity="s1",
        source_clip="other",
        fake_segments=((0.1, 0.5), (0.9, 1.2)),
        attributes={"gender": "f"},
        media={"video_codec": "h264", "num_leading_frames_cut": 0},
    )


@pytest.mark.parametrize("pixels", [noise(96, 96), smooth(3, 96, 96, 1)[2, ..., 0]])
def test_crops_as_png_are_exact_and_as_jpeg_nearly(pixels):
    exact = tf.io.decode_png(encode_crop(pixels, "png")).numpy()
    np.testing.assert_array_equal(exact[..., 0], pixels)
    close = tf.io.decode_jpeg(encode_crop(pixels, "jpeg95")).numpy()[..., 0]
    assert 0 < np.abs(close.astype(int) - pixels).mean() < 3


def test_a_record_holds_what_tfds_would_store(clip):
    features = clip_features()
    fields = {name: getattr(clip, name) for name in features if name not in ("attributes", "media")}
    fields |= {"attributes": json.dumps(clip.attributes), "media": json.dumps(dict(clip.media))}
    fields["fake_segments"] = np.array(clip.fake_segments, np.float32)
    fields["frames"] = [encode_crop(frame[..., 0], "png") for frame in clip.frames]
    specs: Any = features.get_serialized_info()
    by_tfds = ExampleSerializer(specs).serialize_example(features.encode_example(fields))
    assert parse_record(Serializer("png")(clip)) == parse_record(by_tfds)


def test_a_file_of_records_is_read_by_tensorflow_and_back(tmp_path):
    records = [bytes(range(n % 251)) for n in (0, 1, 7, 8, 1000, 3)]
    path = tmp_path / "records"
    path.write_bytes(b"".join(map(framed, records)))
    assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == records
    assert list(read_at(path, [1, 4, 5])) == [records[1], records[4], records[5]]


@pytest.mark.parametrize(("position", "number"), [(5, 1), (20, 2), (-1, 3)])
def test_a_damaged_record_is_named(tmp_path, position, number):
    data = bytearray(b"".join(map(framed, [b"", b"abcdefgh", b"x"])))
    data[position] ^= 1
    path = tmp_path / "records"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"{path} is damaged in record {number}: copy it again"):
        list(read_at(path, range(3)))


@pytest.mark.parametrize("storage", STORAGES)
def test_every_storage_is_read_by_avsync_and_by_tfds_alone(tmp_path, clip, storage):
    written = Builder(
        data_dir=tmp_path,
        prepared={clip.clip_id: clip},
        splits={"test": ["übung"]},
        storage=storage,
    )
    written.write()
    # Readers are not told how the crops are stored.
    source = open_source("folder", "test", data_dir=tmp_path)
    [read] = read_clips(source, range(1))
    error = 5 if storage == "jpeg95" else 0
    difference = np.abs(read.frames.astype(int) - clip.frames)
    assert difference.max() <= error
    np.testing.assert_array_equal(read.waveform, clip.waveform)
    [sample] = read_samples(source, [0])
    shown = [tf.io.decode_png(picture).numpy() for picture in sample.pictures]
    # Pillow and TensorFlow decode JPEG by different arithmetic.
    np.testing.assert_allclose(shown, read.frames[[3, 15, 27]].astype(int), atol=error)
    assert [clip_id for clip_id, _ in read_digests(source)] == ["übung"]
    builder: Any = tfds.builder_from_directory(written.data_dir)
    [alone] = builder.as_dataset(split="test").as_numpy_iterator()
    np.testing.assert_array_equal(alone["frames"], read.frames)
    assert builder.info.metadata["storage"] == storage
    assert written.contents() == {"num_clips": 1, "hours_of_video": 0.0003}


def test_an_unknown_storage_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"unknown storage of crops: 'jpeg'.*jpeg95"):
        Builder(data_dir=tmp_path, storage="jpeg")


def test_a_stored_crop_becomes_a_png():
    crop = smooth(1, 96, 96, 1)[0, ..., 0]
    png = encode_crop(crop, "png")
    assert as_png(png) == as_png(crop.tobytes()) == png
