"""Datasets of features, written shard by shard: whole shards count, half-written ones do not.

data_dir/NAME/TRIM/1.0.0/            NAME/TRIM is the name of the dataset, as TFDS has it
  NAME-SPLIT.tfrecord-00003-of-00008
  NAME-SPLIT.tfrecord-00003-of-00008.json   its number of clips and frames, and whether any is fake
  dataset_info.json, features.json, metadata.json, once a split is complete
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.files import write_whole
from avsync.types import REAL, ClipInfo, Extraction

VERSION = "1.0.0"

TEXTS = ("clip_id", "category", "manipulation", "identity", "source_clip")

# TFDS has no bfloat16: its bits are stored, as unsigned integers.
STORED_DTYPES = {"bfloat16": np.uint16, "float32": np.float32}


class ClipFeatures(NamedTuple):
    """A clip's features [t d] by stream, in float32 or bfloat16."""

    info: ClipInfo
    streams: Mapping[str, np.ndarray]


class Split(NamedTuple):
    """A split as it is to be written; `is_real_only` is the promise that its source makes."""

    name: str
    num_shards: int
    is_real_only: bool


class FeatureDataset:
    """The dataset `name`/`extraction.trim` below `data_dir`, to be written in `dtype`.

    ValueError if it was begun with another encoder, or in another type.
    """

    def __init__(self, name: str, *, data_dir: Path, extraction: Extraction, dtype: str):
        self.name, self.extraction, self.dtype = name, extraction, dtype
        self.directory = data_dir / name / extraction.trim / VERSION
        self._spec = _spec(extraction.channels, dtype)
        self._check_settings({**extraction._asdict(), "dtype": dtype})

    def is_written(self, split: Split, index: int) -> bool:
        """Whether shard `index` of the split is there, whole."""
        return self._summary_path(split, index).is_file()

    def write(self, split: Split, index: int, clips: Iterable[ClipFeatures]) -> None:
        """Writes shard `index` of the split; killed half-way, it leaves nothing that counts."""
        path = self._path(split, index)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        summary = {**split._asdict(), "num_clips": 0, "num_frames": 0, "num_bytes": 0}
        with tf.io.TFRecordWriter(str(unfinished)) as writer:
            for clip in clips:
                encoded = self._spec.encode_example(_encode(clip, self.dtype))
                record = self._spec.serialize_example(encoded)
                writer.write(record)
                summary["num_clips"] += 1
                summary["num_frames"] += clip.info.num_frames
                summary["num_bytes"] += len(record)
                summary["is_real_only"] &= clip.info.label == REAL
        unfinished.replace(path)
        write_whole(self._summary_path(split, index), json.dumps(summary))

    def finish(self) -> None:
        """Makes readable all splits whose shards are all there; the others wait for theirs.

        ValueError if shards of two divisions of a split are there.
        """
        whole = {}
        for name, shards in self._shards_by_split().items():
            counts = {shard["num_shards"] for shard in shards}
            if len(counts) > 1:
                raise ValueError(
                    f"{self.directory} has shards of split {name} divided into {counts} files: its "
                    f"source has changed. Remove {self.name}-{name}.* there and extract it again."
                )
            if len(shards) == counts.pop():
                whole[name] = shards
        if not whole:
            return
        tfds.folder_dataset.write_metadata(
            data_dir=str(self.directory),
            features=self._spec,
            version=VERSION,
            split_infos=[
                tfds.core.SplitInfo(
                    name=name,
                    shard_lengths=[shard["num_clips"] for shard in shards],
                    num_bytes=sum(shard["num_bytes"] for shard in shards),
                )
                for name, shards in whole.items()
            ],
            check_data=False,
            description=f"Features by {self.extraction.encoder or 'an unknown encoder'}.",
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(
                real_only_splits=[
                    name
                    for name, shards in whole.items()
                    if all(shard["is_real_only"] for shard in shards)
                ],
                num_frames={
                    name: sum(shard["num_frames"] for shard in shards)
                    for name, shards in whole.items()
                },
                extraction=self.extraction._asdict(),
            ),
        )

    def _shards_by_split(self) -> dict[str, list[dict[str, Any]]]:
        shards: dict[str, list[dict[str, Any]]] = {}
        for path in sorted(self.directory.glob(f"{self.name}-*.json")):
            summary = json.loads(path.read_text())
            shards.setdefault(summary["name"], []).append(summary)
        return shards

    def _check_settings(self, settings: dict[str, Any]) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "settings.json"
        if not path.is_file():
            write_whole(path, json.dumps(settings))
        before = json.loads(path.read_text())
        if before != json.loads(json.dumps(settings)):
            raise ValueError(
                f"{self.directory} was begun with {before}, now it is {settings}: such features do "
                "not mix. Choose another --out_name, or remove that directory."
            )

    def _path(self, split: Split, index: int) -> Path:
        numbers = f"{index:05d}-of-{split.num_shards:05d}"
        return self.directory / f"{self.name}-{split.name}.tfrecord-{numbers}"

    def _summary_path(self, split: Split, index: int) -> Path:
        path = self._path(split, index)
        return path.with_name(f"{path.name}.json")


def _spec(channels: Mapping[str, int], dtype: str) -> tfds.features.FeaturesDict:
    text, tensor = tfds.features.Text, tfds.features.Tensor
    as_bytes = tfds.features.Encoding.BYTES
    return tfds.features.FeaturesDict(
        {
            **{name: text() for name in TEXTS},
            "label": tfds.features.Scalar(tf.int32),
            "fake_segments": tensor(shape=(None, 2), dtype=tf.float32),
            "attributes": text(doc="a JSON object of texts"),
            "leading_silence_seconds": tfds.features.Scalar(tf.float32),
            **{
                stream: tensor(
                    shape=(None, size),
                    dtype=STORED_DTYPES[dtype],
                    encoding=as_bytes,
                    doc=f"one vector a frame, {dtype}",
                )
                for stream, size in channels.items()
            },
        }
    )


def _encode(clip: ClipFeatures, dtype: str) -> dict[str, Any]:
    info = clip.info
    numpy_dtype = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float32
    return {
        **{name: getattr(info, name) for name in TEXTS},
        "label": info.label,
        "fake_segments": np.asarray(info.fake_segments, np.float32).reshape(-1, 2),
        "attributes": json.dumps(dict(info.attributes)),
        "leading_silence_seconds": info.leading_silence_seconds,
        **{
            stream: np.ascontiguousarray(x.astype(numpy_dtype)).view(STORED_DTYPES[dtype])
            for stream, x in clip.streams.items()
        },
    }
