"""A clip as a record of a dataset, made without TensorFlow; the storage of its mouth crops by name.

png     lossless, each crop a PNG file
jpeg95  each crop a JPEG file of quality 95: about half the size, read twice as fast, not lossless
raw     lossless, the bare pixels: twice the size, and the fastest to read
"""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import UInt8
from PIL import Image
from tensorflow_datasets import proto

from avsync import lookup
from avsync.types import Clip
from avsync.units import CROP_PIXELS

STORAGES = ("png", "jpeg95", "raw")
DEFAULT_STORAGE = "png"

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Level 6 would save 3% of the bytes and take four times as long.
PNG_LEVEL = 1

JPEG_QUALITY = 95

CROP_BYTES = CROP_PIXELS**2

# A fake follows the real clip that it was made of and shares nearly all of its frames: those of
# some twenty clips are kept, 28 MB.
MAX_CROPS_KEPT = 2048

# The classes are made when TFDS is imported: no type checker sees them.
protos: Any = proto.tf_feature_pb2
examples: Any = proto.tf_example_pb2


def require_storage(name: str) -> str:
    """`name` if it is one of `STORAGES`; else ValueError lists them."""
    lookup.require("storage of crops", name, STORAGES)
    return name


def clip_features(storage: str = DEFAULT_STORAGE) -> tfds.features.FeaturesDict:
    """TFDS features of a record; the fields are those of `avsync.types.Clip`."""
    text = tfds.features.Text
    as_bytes = tfds.features.Encoding.BYTES
    shape = (CROP_PIXELS, CROP_PIXELS, 1)
    if storage == "raw":
        frames: Any = tfds.features.Tensor(shape=(None, *shape), dtype=np.uint8, encoding=as_bytes)
    else:
        # Separate images, so that a window is cut before decoding. Not tfds.features.Video, which
        # reads and writes the same records but imports TensorFlow.
        frames = tfds.features.Sequence(
            tfds.features.Image(shape=shape, encoding_format=storage.rstrip("0123456789"))
        )
    return tfds.features.FeaturesDict(
        {
            "clip_id": text(),
            "frames": frames,
            # tfds.features.Audio would store each sample as int64.
            "waveform": tfds.features.Tensor(shape=(None,), dtype=np.int16, encoding=as_bytes),
            "label": tfds.features.Scalar(np.int32),
            "category": text(),
            "manipulation": text(),
            "identity": text(),
            "source_clip": text(),
            "fake_segments": tfds.features.Tensor(shape=(None, 2), dtype=np.float32),
            "attributes": text(doc="a JSON object of strings"),
            "media": text(doc="a JSON object"),
        }
    )


class Serializer:
    """Serializes clips as records of `clip_features(storage)`."""

    def __init__(self, storage: str):
        self._storage = require_storage(storage)
        self._encoded: dict[bytes, bytes] = {}

    def __call__(self, clip: Clip) -> bytes:
        """The record: the same bytes for the same clip, in every process."""
        segments = np.asarray(clip.fake_segments, np.float32).reshape(-1)
        fields = {
            "clip_id": _texts(clip.clip_id),
            "frames": self._crops(clip.frames),
            "waveform": _bytes([np.asarray(clip.waveform, "<i2").tobytes()]),
            "label": protos.Feature(int64_list=protos.Int64List(value=[clip.label])),
            "category": _texts(clip.category),
            "manipulation": _texts(clip.manipulation),
            "identity": _texts(clip.identity),
            "source_clip": _texts(clip.source_clip),
            "fake_segments": protos.Feature(float_list=protos.FloatList(value=segments)),
            "attributes": _texts(json.dumps(dict(clip.attributes))),
            "media": _texts(json.dumps(dict(clip.media))),
        }
        features = protos.Features(feature=fields)
        # Otherwise the order of the fields would depend on the addresses of the process.
        return examples.Example(features=features).SerializeToString(deterministic=True)

    def _crops(self, frames: UInt8[np.ndarray, "t 96 96 1"]) -> Any:
        if self._storage == "raw":
            return _bytes([frames.tobytes()])
        keys = [frame.tobytes() for frame in frames]
        new = {key: index for index, key in enumerate(keys) if key not in self._encoded}
        if len(self._encoded) + len(new) > MAX_CROPS_KEPT:
            self._encoded.clear()
            new = {key: index for index, key in enumerate(keys)}
        self._encoded |= {
            key: encode_crop(frames[index, ..., 0], self._storage) for key, index in new.items()
        }
        return _bytes([self._encoded[key] for key in keys])


def parse_record(record: bytes) -> dict[str, Any]:
    """The values of each field as stored: a list of bytes, int or float."""
    fields = examples.Example.FromString(record).features.feature
    return {
        name: list(getattr(feature, feature.WhichOneof("kind")).value)
        for name, feature in fields.items()
    }


def as_png(crop: bytes) -> bytes:
    """A stored crop, encoded or bare, as a PNG file."""
    if crop.startswith(PNG_SIGNATURE):
        return crop
    if len(crop) == CROP_BYTES:
        pixels = np.frombuffer(crop, np.uint8)
    else:
        with Image.open(io.BytesIO(crop)) as image:
            pixels = np.asarray(image)
    return encode_crop(pixels.reshape(CROP_PIXELS, CROP_PIXELS), "png")


def encode_crop(pixels: UInt8[np.ndarray, "h w"], storage: str) -> bytes:
    """A crop as a file of the storage "png" or "jpeg95"."""
    file, image = io.BytesIO(), Image.fromarray(pixels)
    if storage == "png":
        image.save(file, "PNG", compress_level=PNG_LEVEL)
    else:
        image.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _texts(text: str) -> Any:
    return _bytes([text.encode()])


def _bytes(values: Sequence[bytes]) -> Any:
    return protos.Feature(bytes_list=protos.BytesList(value=values))
