"""Preparation of one dataset, from raw files or synthetic: planned, prepared, written.

Clips are stored in `preparing/` beside the dataset until it is complete. The labels of the source
are read again on each run, so that labels corrected during the preparation are used.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from avsync import names
from avsync.datasets._splits import Plan
from avsync.datasets.base import ClipBuilder, MediaBuilder, Selection, builder_class
from avsync.files import file_lock
from avsync.preparation import job
from avsync.preparation.job import Engine
from avsync.preparation.progress import read_status, show_progress
from avsync.preparation.worker import Limits
from avsync.records.clip_record import DEFAULT_STORAGE
from avsync.records.shards import TFRECORD, require_format

# `avsync.reports.card.card.write_card`, passed in: reports are a layer above preparation.
WriteCard = Callable[..., None]


class Preparation:
    """The preparation of `dataset`, NAME or NAME/CONFIG, under `data_dir`.

    Raises ValueError if the dataset, the storage of its crops or the file format is unknown, or if
    the dataset does not support the selection.
    """

    def __init__(
        self,
        dataset: str,
        data_dir: Path,
        *,
        num_workers: int,
        limit: int | None,
        split_list: Iterable[str],
        disjoint: str | None,
        storage: str = DEFAULT_STORAGE,
        file_format: str = TFRECORD,
    ):
        self._dataset = dataset
        selection = {"limit": limit, "split_list": list(split_list), "disjoint": disjoint}
        self._settings = selection | {"storage": storage, "file_format": file_format}
        self._num_workers = num_workers
        self._class = builder_class(dataset)
        self._selection = Selection.parse(**selection)
        self._options: dict[str, Any] = {
            "config": dataset.partition("/")[2] or None,
            "data_dir": data_dir,
            "num_workers": num_workers,
            "limit": limit,
            "storage": storage,
        }
        self.directory = Path(self._class(**self._options).data_dir)
        # Not before: of a dataset in the other format, TFDS would refuse to tell the directory.
        self._options["file_format"] = require_format(file_format)
        self._work = self.directory.parent / "preparing"

    @property
    def needs_source(self) -> bool:
        """Return whether the dataset is made from raw files."""
        return issubclass(self._class, MediaBuilder)

    def is_done(self, source: Path | None) -> bool:
        """Return whether the dataset is complete.

        Raises ValueError if it was made with other settings, or if `source` exists and has changed.
        """
        report = job.read_report(self.directory, settings=self._settings)
        if report and source and source.exists() and "source_digest" in report:
            digest = _digest(self.plan(source))
            if digest != report["source_digest"]:
                raise ValueError(
                    f"the files, splits or labels of {source} have changed since {self.directory} "
                    "was prepared: remove it, or prepare into another folder"
                )
        return report is not None

    def status(self) -> str:
        """Returns the progress in words."""
        report = job.read_report(self.directory, settings={})
        if report:
            return (
                f"done: {report['num_clips']:,} clips ({report['hours_of_video']:.2f} h), "
                f"{report['num_rejected']:,} rejected; {self.directory}"
            )
        return str(read_status(self._work) or f"not started: {self._work} not found")

    def run(
        self,
        source: Path | None,
        *,
        detector: str,
        engine: Engine,
        limits: Limits,
        write_card: WriteCard,
        engine_name: str = "local",
        retry_rejects: bool = False,
    ) -> dict[str, Any]:
        """Makes the dataset, or resumes; returns its report.

        `source` is None for a dataset that needs none. `engine`, `limits` and errors are those of
        `job.prepare_media`; ValueError also while another process prepares the dataset. The report
        has `engine_name`.
        `write_card` writes the data card last, so that a finished dataset has one. With
        `retry_rejects`, rejected files are tried again.
        """
        with file_lock(self._work / "prepare.lock"):
            if retry_rejects:
                job.forget_rejects(self._work)
            return self._run(
                source,
                detector=detector,
                engine=engine,
                limits=limits,
                write_card=write_card,
                engine_name=engine_name,
            )

    def _run(
        self,
        source: Path | None,
        *,
        detector: str,
        engine: Engine,
        limits: Limits,
        write_card: WriteCard,
        engine_name: str,
    ) -> dict[str, Any]:
        started = monotonic()
        # Left by runs that were killed while TFDS wrote.
        for left in self.directory.parent.glob(f"incomplete.*_{self.directory.name}"):
            shutil.rmtree(left, ignore_errors=True)
        if issubclass(self._class, MediaBuilder):
            assert source, "checked by the binary"
            plan = self.plan(source)
            notes = [*plan.notes, *_changes(job.changed_ids(plan.media, self._work))]
            print(*map(names.shown_text, notes), sep="\n", file=sys.stderr)
            how = {"detector": detector, "engine": engine, "limits": limits}
            with show_progress(len(plan.media)) as progress:
                done = job.prepare_media(plan.media, self._work, progress=progress, **how)
            # Left by a run that was killed before its report; its labels may be outdated.
            shutil.rmtree(self.directory, ignore_errors=True)
            builder = self._class(prepared=done.clips, splits=plan.splits, **self._options)
            _write(builder)
            origin = {"notes": [*notes, *builder.notes], "source_digest": _digest(plan)}
            rejects, report = done.rejects, done.report | origin
        else:
            builder = self._class(**self._options)
            _write(builder)
            made = {"num_rejected": 0, "by_reason": {}, "notes": builder.notes}
            rejects, report = [], builder.contents() | made
        seconds = round(monotonic() - started, 1)
        made_by = {"engine": engine_name, "num_workers": self._num_workers, "seconds": seconds}
        report |= self._settings | made_by
        data_dir = self._options["data_dir"]
        write_card(self._dataset, self.directory, data_dir=data_dir, rejects=rejects, report=report)
        job.write_reports(rejects, report, self.directory)
        shutil.rmtree(self._work, ignore_errors=True)
        return report

    def plan(self, source: Path) -> Plan:
        """Returns the files of `source` to prepare, with splits; ValueError if it is unreadable."""
        assert issubclass(self._class, MediaBuilder)
        return self._class.plan(source, self._selection)


def _write(builder: ClipBuilder) -> None:
    """Stores the dataset and prints which of its clips could not be made."""
    builder.write()
    for note in builder.notes:
        print(names.shown_text(note), file=sys.stderr)


def _changes(new_by_old: Mapping[str, str]) -> list[str]:
    """A sentence about files that are prepared again because they have other ids now."""
    if not new_by_old:
        return []
    old, new = next(iter(new_by_old.items()))
    return [
        f"files that have another id than when they were prepared, and are prepared again: "
        f"{len(new_by_old):,}; the first was {old} and is {new} now"
    ]


def _digest(plan: Plan) -> str:
    """A digest of all files, splits and labels, but not of folders: a source may be moved."""
    digest = hashlib.sha256(json.dumps(plan.splits).encode())
    for file in plan.media:
        name = names.portable(file.path.name)
        known = {**file._asdict(), "path": name, "attributes": dict(file.attributes)}
        if file.sound:
            known["sound"] = names.portable(file.sound.name)
        for field in ("audio_track", "sound"):  # digests of older datasets do not have them
            if known[field] is None:
                del known[field]
        digest.update(json.dumps(known, sort_keys=True).encode())
    return digest.hexdigest()
