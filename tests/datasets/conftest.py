"""Miniature datasets: real clips under the file names of a dataset, built and read back."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tensorflow_datasets as tfds

from avsync import build
from avsync.datasets._splits import Selection
from avsync.datasets.base import MediaBuilder, open_source
from avsync.media.landmarks import trees68
from avsync.preparation.clips import prepare_clip

Put = Callable[..., None]

EVERYTHING = Selection()


class Record(NamedTuple):
    """A stored clip without its pixels and samples."""

    clip_id: str
    label: int
    category: str
    manipulation: str
    identity: str
    source_clip: str
    fake_segments: list[list[float]]
    attributes: dict[str, str]
    num_frames: int


class Built(NamedTuple):
    """A dataset on disk: its records by split, and a function that opens a split."""

    records: dict[str, list[Record]]
    open: Callable[[str], Any]

    def record(self, clip_id: str) -> Record:
        """The record of a clip that is in exactly one split."""
        (found,) = (r for part in self.records.values() for r in part if r.clip_id == clip_id)
        return found

    def ids(self) -> dict[str, list[str]]:
        """The ids of each split, sorted."""
        return {split: sorted(r.clip_id for r in part) for split, part in self.records.items()}


Build = Callable[..., Built]


@pytest.fixture(scope="session")
def detector() -> Any:
    return trees68.Detector()


@pytest.fixture
def put(testdata: Path, tmp_path: Path) -> Put:
    """`put("a/b.mp4", ...)` copies a real clip to each of these names below `tmp_path`."""
    clips = sorted((testdata / "grid_s1" / "video").glob("*.mkv"))

    def put_clips(*names: str) -> None:
        for name, clip in zip(names, clips[: len(names)], strict=True):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip, tmp_path / name)

    return put_clips


@pytest.fixture
def build_dataset(detector: Any, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """`build_dataset(Builder, source)` prepares, builds and reads back a dataset."""

    def make(
        builder_class: type[MediaBuilder], source: Path, selection: Selection = EVERYTHING
    ) -> Built:
        data_dir = tmp_path_factory.mktemp("data")
        plan = builder_class.plan(source, selection)
        prepared = {m.clip_id: prepare_clip(m, detector=detector) for m in plan.media}
        builder = builder_class(prepared=prepared, splits=plan.splits, data_dir=data_dir)
        builder.write()
        read: Any = builder.as_dataset
        skip = {"frames": tfds.decode.SkipDecoding()}
        records = {
            split: [_record(clip) for clip in tfds.as_numpy(read(split=split, decoders=skip))]
            for split in builder.info.splits
        }
        return Built(records, lambda split: open_source(builder.name, split, data_dir=data_dir))

    return make


def touch(root: Path, *names: str) -> None:
    """Creates empty files, for tests that only need names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def assert_trains_on_real_clips_only(built: Built, *labelled: str) -> None:
    """Checks that `train` is real-only, and that none of the `labelled` splits is."""
    assert built.open("train").is_real_only
    assert {record.label for record in built.records["train"]} == {0}
    for split in labelled:
        with pytest.raises(ValueError, match="may hold fakes: the alignment loss trains on real"):
            build.require_real_only(built.open(split))


def _record(clip: Mapping[str, Any]) -> Record:
    texts = ("clip_id", "category", "manipulation", "identity", "source_clip")
    return Record(
        **{name: clip[name].decode() for name in texts},
        label=int(clip["label"]),
        fake_segments=clip["fake_segments"].astype(float).round(3).tolist(),
        attributes=json.loads(clip["attributes"]),
        num_frames=len(clip["frames"]),
    )
