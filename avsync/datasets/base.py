"""Base of all datasets: the record of a clip on disk, the splits, and opening a prepared dataset.

Each dataset is one file of this package. It yields `Clip`s for its splits and declares which splits
hold real clips only; this module stores them.

Split names are the same for all datasets. `train` and `val` hold real clips only: alignment trains
on them. `test` holds real and fake clips. Fakes of the train and val parts are in `train_fake` and
`val_fake`, so that no clip is stored twice; `train_labelled` (also `train+train_fake`) and
`val_labelled` read both together, for supervised baselines. Datasets that make their own fakes
store `train_labelled` as a split, because its real clips differ from those of `train`.
"""

import abc
import contextlib
import functools
import inspect
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds
from tensorflow_datasets.core.splits import SplitDict

from avsync import lookup
from avsync.datasets._clip_lists import without_suffix
from avsync.datasets._opening import extracted_trims as extracted_trims
from avsync.datasets._opening import open_builder
from avsync.datasets._portions import Make, Portioned, only
from avsync.datasets._splits import Plan, Selection, make_plan
from avsync.datasets._writing import write_splits
from avsync.records.clip_record import (
    DEFAULT_STORAGE,
    clip_features,
    parse_record,
    require_storage,
)
from avsync.records.shards import read_at
from avsync.types import REAL, Clip, Extraction, MediaFile, Source
from avsync.units import SAMPLE_RATE


class _Info(tfds.core.DatasetInfo):
    def initialize_from_bucket(self) -> None:
        """Asks no server for figures of a published dataset, nor leaves a folder in TMPDIR."""


class ClipBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of all datasets. A subclass is named `Builder`, sets `name` and implements `clips`."""

    VERSION = tfds.core.Version("1.0.0")

    # The splits that alignment may be trained on: the builder guarantees that they hold no fakes.
    REAL_ONLY_SPLITS: ClassVar[tuple[str, ...]] = ()
    # Of the raw files; stored with the dataset and named on its card.
    LICENCE: ClassVar[str] = ""

    def __init__(
        self,
        *,
        num_workers: int = 1,
        limit: int | None = None,
        storage: str = DEFAULT_STORAGE,
        **kwargs: Any,
    ):
        """`limit` keeps the first clips of each split, or the first raw files.

        `storage` of the mouth crops is one of `_records.STORAGES`; it makes no difference to a
        dataset that is read.
        """
        self.num_workers = num_workers
        self.limit = limit
        self.storage = require_storage(storage)
        # Sentences for the user about clips that `clips` could not make; complete after `write`.
        self.notes: list[str] = []
        super().__init__(**kwargs)

    @abc.abstractmethod
    def clips(self) -> dict[str, Iterable[Clip]]:
        """The clips of each split, generated lazily and always in the same order."""

    def write(self) -> None:
        """Generates all clips and stores them under `data_dir`; no-op if already stored."""
        if not sys.stderr.isatty():
            tfds.disable_progress_bar()
        # TFDS prints that it downloads the dataset, although nothing is downloaded.
        with contextlib.redirect_stdout(io.StringIO()):
            self.download_and_prepare()

    def contents(self) -> dict[str, int | float]:
        """`num_clips` and `hours_of_video` of all stored splits; decodes no frames."""
        num_samples = []
        for split in self.info.splits.values():
            for file in split.file_instructions:
                for record in read_at(file.filename, range(file.take)):
                    num_samples.append(len(parse_record(record)["waveform"][0]) // 2)
        hours = sum(num_samples) / SAMPLE_RATE / 3600
        return {"num_clips": len(num_samples), "hours_of_video": round(hours, 4)}

    def _info(self) -> tfds.core.DatasetInfo:
        return _Info(
            builder=self,
            description=(inspect.getdoc(type(self)) or self.name),
            features=clip_features(self.storage),
            license=self.LICENCE or None,
            # Keeps the order of `clips` on disk; TFDS would order them by a hash of their keys.
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(
                real_only_splits=list(self.REAL_ONLY_SPLITS), storage=self.storage
            ),
        )

    def _download_and_prepare(self, dl_manager: Any, download_config: Any) -> None:
        """Writes the files of all splits; called by TFDS, which writes the rest."""
        del dl_manager, download_config
        splits, file_format = self.clips(), self.info.file_format
        assert file_format is not None
        templates = {
            split: tfds.core.ShardedFileTemplate(
                data_dir=self.data_path,
                dataset_name=self.name,
                split=split,
                filetype_suffix=file_format.file_suffix,
            )
            for split in splits
        }
        infos = write_splits(
            splits,
            storage=self.storage,
            templates=templates,
            folder=Path(self.data_dir),
            num_processes=self.num_workers,
        )
        self.info.set_splits(SplitDict(infos))

    def _split_generators(self, dl_manager: Any) -> Any:
        raise NotImplementedError("`_download_and_prepare` does without")

    def _generate_examples(self, *_: Any) -> Any:
        raise NotImplementedError("`_download_and_prepare` does without")


class MediaBuilder(ClipBuilder, skip_registration=True):
    """Base of datasets made from raw videos, which `avsync.preparation` turns into clips.

    `prepared` maps ids to prepared clips, read from disk one at a time; rejected files are not in
    it. `splits` holds the planned ids of each split.
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
        """The raw files under `source`, sorted by id.

        Raises ValueError with the expected layout if there are none.
        """

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """Candidate ids for a path in a published clip list."""
        return (without_suffix(path),)

    @classmethod
    def plan(cls, source: Path, selection: Selection) -> Plan:
        """Plans which files of `source` to prepare for each split; ValueError as `make_plan`."""
        return make_plan(cls.find_media(source), selection, ids_of=cls.listed_ids)

    def clips(self) -> dict[str, Iterable[Clip]]:
        """The prepared clips of each non-empty split."""
        present = {
            split: [clip_id for clip_id in clip_ids if clip_id in self.prepared]
            for split, clip_ids in self.splits.items()
        }
        return {split: self.stored(ids, split=split) for split, ids in present.items() if ids}

    def stored(self, clip_ids: Sequence[str], *, split: str) -> Portioned:
        """The prepared clips with these ids; ValueError for a fake in a real-only split."""
        real_only = f"{self.name}/{split}" if split in self.REAL_ONLY_SPLITS else ""

        def portion(clip_ids: Sequence[str]) -> Make:
            return functools.partial(_read, only(self.prepared, clip_ids), real_only=real_only)

        return Portioned(clip_ids, portion)


def _read(clips: Mapping[str, Clip], *, real_only: str) -> Iterator[Clip]:
    for clip_id in clips:
        clip = clips[clip_id]
        if clip.label != REAL and real_only:
            raise ValueError(
                f"{real_only} is a real-only split, but {clip_id} was prepared as "
                f"{clip.category}; prepare the dataset again"
            )
        yield clip


def builder_class(dataset: str) -> type[ClipBuilder]:
    """The builder of `dataset`, NAME or NAME/CONFIG; ValueError lists the known names."""
    name, _, config = dataset.partition("/")
    lookup.require("dataset", name, lookup.names("datasets"))
    builder = lookup.load("datasets", name).Builder
    if config:
        lookup.require(f"config of {name}", config, [c.name for c in builder.BUILDER_CONFIGS])
    return builder


def open_source(
    dataset: str, split: str, *, data_dir: str | Path, trim: str | None = None
) -> Source:
    """Opens a split of a dataset prepared under `data_dir`, a folder or the address of a store.

    For a feature dataset, NAME stands for NAME/TRIM. Raises ValueError with the command to prepare
    the dataset, or with the splits that it has.
    """
    builder = open_builder(dataset, data_dir=data_dir, trim=trim)
    split = _expand_labelled(dataset, split, list(builder.info.splits))
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


def _expand_labelled(dataset: str, split: str, stored: list[str]) -> str:
    """`split` in terms of stored splits: "x_labelled" becomes "x+x_fake" unless it is stored."""
    parts = []
    for name in split.split("+"):
        part = name.removesuffix("_labelled")
        if name in stored:
            parts.append(name)
        elif part != name and f"{part}_fake" in stored:
            parts += [s for s in (part, f"{part}_fake") if s in stored]
        else:
            raise ValueError(lookup.unknown(f"split of {dataset}", name, stored))
    return "+".join(dict.fromkeys(parts))


def split_names(dataset: str, *, data_dir: str | Path, trim: str | None = None) -> list[str]:
    """The split names of a dataset prepared under `data_dir`; ValueError as `open_source`."""
    return list(open_builder(dataset, data_dir=data_dir, trim=trim).info.splits)
