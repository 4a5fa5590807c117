"""What every dataset of avsync is on disk: one record a clip, one promise about its reals.

A dataset is one file beside this one. It names its splits, says which of them hold reals only, and
yields `Clip`s for each; how they are stored is decided here, once.

Splits are called the same everywhere. `train` and `val` hold real clips only: alignment trains on
them. `test` holds reals and fakes. The fakes of a dataset that belong to its train and val part lie
in `train_fake` and `val_fake`, so that no clip is stored twice; `train_labelled` and `val_labelled`
are both together, for supervised baselines, and can be written `train+train_fake` too. (Datasets
that make their own fakes store `train_labelled` as a split, since its reals differ from `train`'s.)
"""

import abc
import contextlib
import functools
import inspect
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from avsync import lookup
from avsync.datasets._lists import without_suffix
from avsync.datasets._splits import Plan, Selection, make_plan
from avsync.pp import silence
from avsync.types import REAL, Clip, Extraction, MediaFile, Source
from avsync.units import CROP_PIXELS, SAMPLE_RATE

# Lossless, measured on real 96 x 96 crops: 4.5 kB a frame, written in 0.45 ms and read in 0.18 ms.
# JPEG 95 is 2.4 kB, 0.15 ms and 0.09 ms, and off by 0.7 grey levels (root mean square).
FRAME_FORMAT = "png"
PNG_COMPRESSION = 1


def clip_features() -> tfds.features.FeaturesDict:
    """The record of a clip; field by field the `Clip` of avsync.types."""
    text = tfds.features.Text
    return tfds.features.FeaturesDict(
        {
            "clip_id": text(),
            # Each frame is an image of its own: a window is cut before anything is decoded.
            "frames": tfds.features.Video(
                shape=(None, CROP_PIXELS, CROP_PIXELS, 1), encoding_format=FRAME_FORMAT
            ),
            # tfds.features.Audio would store every sample as an int64.
            "waveform": tfds.features.Tensor(
                shape=(None,), dtype=tf.int16, encoding=tfds.features.Encoding.BYTES
            ),
            "label": tfds.features.Scalar(tf.int32),
            "category": text(),
            "manipulation": text(),
            "identity": text(),
            "source_clip": text(),
            "fake_segments": tfds.features.Tensor(shape=(None, 2), dtype=tf.float32),
            "attributes": text(doc="a JSON object of texts"),
            "media": text(doc="a JSON object"),
        }
    )


def encode(clip: Clip) -> dict[str, Any]:
    """The record that stores `clip`."""
    return {
        "clip_id": clip.clip_id,
        "frames": [_encode_frame(frame.tobytes()) for frame in clip.frames],
        "waveform": clip.waveform,
        "label": clip.label,
        "category": clip.category,
        "manipulation": clip.manipulation,
        "identity": clip.identity,
        "source_clip": clip.source_clip,
        "fake_segments": np.asarray(clip.fake_segments, np.float32).reshape(-1, 2),
        "attributes": json.dumps(dict(clip.attributes)),
        "media": json.dumps(dict(clip.media)),
    }


# A fake follows the clip that it was made from, and shares nearly all of its frames.
@functools.lru_cache(maxsize=2048)
def _encode_frame(pixels: bytes) -> bytes:
    frame = np.frombuffer(pixels, np.uint8).reshape(CROP_PIXELS, CROP_PIXELS, 1)
    return tf.io.encode_png(frame, compression=PNG_COMPRESSION).numpy()


class ClipBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of all datasets. A subclass is called `Builder`, sets `name`, and defines `clips`."""

    VERSION = tfds.core.Version("1.0.0")

    # The splits that a model may be trained on by alignment: the builder promises that no clip in
    # them is fake.
    REAL_ONLY_SPLITS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, num_workers: int = 1, limit: int | None = None, **kwargs: Any):
        """`limit` keeps the first so many clips (of each split, or of the raw files)."""
        self.num_workers = num_workers
        self.limit = limit
        super().__init__(**kwargs)

    @abc.abstractmethod
    def clips(self) -> dict[str, Iterable[Clip]]:
        """The clips of each split, made lazily and in the same order every time."""

    def write(self) -> None:
        """Makes all clips and stores them under `data_dir`; does nothing if they are."""
        if not sys.stderr.isatty():
            tfds.disable_progress_bar()
        # TFDS announces a download; there is none.
        with contextlib.redirect_stdout(io.StringIO()):
            self.download_and_prepare()

    def contents(self) -> dict[str, float]:
        """`num_clips` and `hours_of_video` of all splits as stored; no picture is decoded."""
        sound_only = tfds.decode.PartialDecoding({"waveform": True})
        read: Any = self.as_dataset  # TFDS wraps it so that its signature is lost
        everything = read(split="all", decoders=sound_only)
        num_samples = [len(clip["waveform"]) for clip in everything.as_numpy_iterator()]
        hours = sum(num_samples) / SAMPLE_RATE / 3600
        return {"num_clips": len(num_samples), "hours_of_video": round(hours, 4)}

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=(inspect.getdoc(type(self)) or self.name),
            features=clip_features(),
            # The order of the clips on disk is that of `clips`, not of a hash of their names.
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(real_only_splits=list(self.REAL_ONLY_SPLITS)),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {split: self._generate_examples(clips) for split, clips in self.clips().items()}

    def _generate_examples(self, clips: Iterable[Clip]) -> Iterator[tuple[str, dict[str, Any]]]:
        for clip in clips:
            yield clip.clip_id, encode(clip)


class MediaBuilder(ClipBuilder, skip_registration=True):
    """Base of the datasets that are made from raw videos, which `avsync.prepare` turns to clips.

    `prepared` holds the clips that were prepared, by id, read from disk one at a time; those
    rejected are not in it. `splits` are the ids of each split, as planned before.
    """

    REAL_ONLY_SPLITS: ClassVar[tuple[str, ...]] = ("train", "val")

    def __init__(
        self,
        *,
        prepared: Mapping[str, Clip] | None = None,
        splits: Mapping[str, Sequence[str]] | None = None,
        **kwargs: Any,
    ):
        self.prepared: Mapping[str, Clip] = {} if prepared is None else prepared
        self.splits: Mapping[str, Sequence[str]] = {} if splits is None else splits
        super().__init__(**kwargs)

    @staticmethod
    @abc.abstractmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The raw files under `source`, sorted by id; ValueError says what was expected there."""

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """The ids that a path in a published list of clips may stand for."""
        return (without_suffix(path),)

    @classmethod
    def plan(cls, source: Path, selection: Selection) -> Plan:
        """What of `source` to prepare for which split; ValueError if that cannot be had."""
        return make_plan(cls.find_media(source), selection, ids_of=cls.listed_ids)

    def clips(self) -> dict[str, Iterable[Clip]]:
        """The prepared clips of each split that has any."""
        there = {
            split: [clip_id for clip_id in clip_ids if clip_id in self.prepared]
            for split, clip_ids in self.splits.items()
        }
        return {split: self._clips_of(split, ids) for split, ids in there.items() if ids}

    def _clips_of(self, split: str, clip_ids: Iterable[str]) -> Iterator[Clip]:
        for clip_id in clip_ids:
            clip = self.prepared[clip_id]
            if clip.label != REAL and split in self.REAL_ONLY_SPLITS:
                raise ValueError(
                    f"{self.name}/{split} is for real clips only, and {clip_id} was prepared as "
                    f"{clip.category}: prepare it anew"
                )
            yield clip


def builder_class(dataset: str) -> type[ClipBuilder]:
    """The builder of `dataset`, "name" or "name/config"; ValueError lists the known names."""
    name, _, config = dataset.partition("/")
    found = lookup.load("datasets", name).Builder
    known = [known.name for known in found.BUILDER_CONFIGS]
    if config:
        lookup.require(f"config of {name}", config, known)
    return found


def open_source(
    dataset: str, split: str, *, data_dir: str | Path, trim: str | None = None
) -> Source:
    """A split of a dataset that lies prepared under `data_dir`.

    Of a dataset of features, NAME/TRIM is meant where only NAME is given. ValueError says how to
    prepare the dataset, or which splits it has.
    """
    builder = _open(dataset, data_dir=data_dir, trim=trim)
    split = _spelled_out(dataset, split, list(builder.info.splits))
    metadata = builder.info.metadata or {}
    extraction = metadata.get("extraction")
    return Source(
        dataset=dataset,
        split=split,
        directory=Path(builder.data_dir),
        num_clips=builder.info.splits[split].num_examples,
        is_real_only=set(split.split("+")) <= set(metadata.get("real_only_splits", ())),
        extraction=Extraction(**extraction) if extraction else None,
    )


def _spelled_out(dataset: str, split: str, stored: list[str]) -> str:
    """Stored splits joined by +; a part and its fakes for a `_labelled` that is not stored."""
    parts = []
    for name in split.split("+"):
        part = name.removesuffix("_labelled")
        if name in stored:
            parts.append(name)
        elif part != name and f"{part}_fake" in stored:
            parts += [kept for kept in (part, f"{part}_fake") if kept in stored]
        else:
            raise ValueError(lookup.unknown(f"split of {dataset}", name, stored))
    return "+".join(dict.fromkeys(parts))


def split_names(dataset: str, *, data_dir: str | Path, trim: str | None = None) -> list[str]:
    """The splits of a dataset that lies prepared under `data_dir`; ValueError as `open_source`."""
    return list(_open(dataset, data_dir=data_dir, trim=trim).info.splits)


def extracted_trims(name: str, *, data_dir: str | Path) -> list[str]:
    """The ways in which the features called `name` were trimmed; empty for a dataset of clips."""
    family = Path(data_dir).expanduser() / name
    return [trim for trim in silence.RULES if any((family / trim).glob("*/dataset_info.json"))]


def _open(dataset: str, *, data_dir: str | Path, trim: str | None) -> tfds.core.DatasetBuilder:
    name, _, config = dataset.partition("/")
    data_dir = Path(data_dir).expanduser()
    trims = extracted_trims(name, data_dir=data_dir)
    if trims and not config:
        if trim is None or trim not in trims:
            raise ValueError(
                f"{dataset} holds features extracted with --trim={' and '.join(trims)}, and trim "
                f"{trim!r} is asked for: extract them so, or ask for {trims[0]!r}"
            )
        dataset = f"{name}/{trim}"
    if name in lookup.names("datasets"):
        lookup.load("datasets", name)  # registers it, so that a bare name finds its first config
    try:
        builder = tfds.builder(dataset, data_dir=data_dir, try_gcs=False)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        known = [*lookup.names("datasets"), *_prepared_names(data_dir)]
        raise ValueError(lookup.unknown("dataset", dataset, sorted(set(known)))) from error
    if not builder.is_prepared():
        raise ValueError(
            f"{dataset} is not prepared in {data_dir}. Prepare it: "
            f"avsync-prepare --dataset={dataset} --data_dir={data_dir}"
        )
    return builder


def _prepared_names(data_dir: Path) -> list[str]:
    return (
        [path.name for path in data_dir.iterdir() if any(path.rglob("features.json"))]
        if data_dir.is_dir()
        else []
    )
