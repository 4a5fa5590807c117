"""Writes feature datasets that TFDS reads: data_dir/NAME/TRIM/1.0.0 is the dataset NAME/TRIM."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync.features.ledger import Ledger, Split
from avsync.files import replacing
from avsync.media.rejects import Reject
from avsync.records.shards import TFRECORD, require_format, write_shard
from avsync.types import REAL, ClipFeatures, Extraction

VERSION = "1.0.0"

TEXTS = ("clip_id", "category", "manipulation", "identity", "source_clip")

DTYPES = {"bfloat16": tf.bfloat16, "float32": tf.float32}


class FeatureDataset:
    """Writes the dataset `name`/`extraction.trim` below `data_dir`, in `dtype`, shard by shard.

    ValueError if it holds features of another `extraction`, type or format of files.
    """

    def __init__(
        self,
        name: str,
        *,
        data_dir: Path,
        extraction: Extraction,
        dtype: str,
        file_format: str = TFRECORD,
    ):
        self.name, self.extraction, self.dtype = name, extraction, dtype
        self.directory = data_dir / name / extraction.trim / VERSION
        self._format = require_format(file_format)
        settings = {**extraction._asdict(), "dtype": dtype}
        if file_format != TFRECORD:  # datasets of earlier versions have no such setting
            settings["file_format"] = file_format
        self._ledger = Ledger(self.directory, settings)
        self._spec = _spec(extraction.channels, dtype)

    def is_written(self, split: Split, index: int) -> bool:
        """Return whether shard `index` of the split is complete."""
        return self._ledger.is_done(split, index)

    def write(
        self,
        split: Split,
        index: int,
        *,
        clips: Sequence[ClipFeatures],
        rejects: Sequence[tuple[str, Reject]] = (),
    ) -> None:
        """Writes shard `index` of the split atomically."""
        numbers = f"{index:05d}-of-{split.num_shards:05d}"
        path = self.directory / f"{self.name}-{split.name}.{self._format}-{numbers}"
        with replacing(path) as unfinished:
            num_bytes = write_shard(unfinished, self._records(clips))
        self._ledger.record(
            split,
            index,
            rejects=rejects,
            num_clips=len(clips),
            num_fakes=sum(clip.info.label != REAL for clip in clips),
            num_frames=sum(clip.info.num_frames for clip in clips),
            num_bytes=num_bytes,
        )

    def _records(self, clips: Sequence[ClipFeatures]) -> Iterator[bytes]:
        for clip in clips:
            yield _in_order(self._spec.serialize_example(_record(clip, self.dtype)))

    def finish(self) -> int:
        """Writes the metadata of all complete splits, and rejects.jsonl.

        Returns the number of rejects. A split is readable once all its shards are written.
        """
        splits = self._ledger.splits()
        if splits:
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
                    for name, shards in splits.items()
                ],
                check_data=False,
                description=f"Features by {self.extraction.encoder or 'an unknown encoder'}.",
                disable_shuffling=True,
                metadata=tfds.core.MetadataDict(
                    real_only_splits=[n for n, shards in splits.items() if _is_real_only(shards)],
                    num_frames={
                        name: sum(shard["num_frames"] for shard in shards)
                        for name, shards in splits.items()
                    },
                    extraction=self.extraction._asdict(),
                ),
            )
        return self._ledger.write_rejects()


def _is_real_only(shards: Sequence[Mapping[str, Any]]) -> bool:
    return all(shard["is_real_only"] and not shard["num_fakes"] for shard in shards)


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
                    dtype=DTYPES[dtype],
                    encoding=as_bytes,
                    doc="one vector per frame",
                )
                for stream, size in channels.items()
            },
        }
    )


def _in_order(record: bytes) -> bytes:
    """The record with its fields in a fixed order, so that equal clips are equal bytes."""
    return tf.train.Example.FromString(record).SerializeToString(deterministic=True)


def _record(clip: ClipFeatures, dtype: str) -> dict[str, Any]:
    info, numpy_dtype = clip.info, DTYPES[dtype].as_numpy_dtype
    return {
        **{name: getattr(info, name) for name in TEXTS},
        "label": info.label,
        "fake_segments": np.asarray(info.fake_segments, np.float32).reshape(-1, 2),
        "attributes": json.dumps(dict(info.attributes)),
        "leading_silence_seconds": info.leading_silence_seconds,
        **{stream: x.astype(numpy_dtype) for stream, x in clip.streams.items()},
    }
