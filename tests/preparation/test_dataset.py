"""A dataset has the current labels of its source, whenever its clips were prepared."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from avsync.datasets.folder import Builder
from avsync.preparation import job
from avsync.preparation.dataset import Preparation
from avsync.preparation.worker import DEFAULT_LIMITS, prepare_in_processes
from avsync.reports.card.card import write_card
from tests.media.media_files import grid_files

ONE = functools.partial(prepare_in_processes, num_workers=1)


@pytest.fixture
def manifest(testdata: Path, tmp_path: Path):
    """Writes a manifest of two real clips, the second with the given label and identity."""
    path = tmp_path / "clips.csv"
    first, second = (file.path for file in grid_files(testdata, 2))

    def write(label: int, identity: str) -> Path:
        path.write_text(
            f"path,label,identity,split\n{first},0,s1,test\n{second},{label},{identity},test\n"
        )
        return path

    return write


def preparation(data_dir: Path) -> Preparation:
    selection = {"limit": None, "split_list": [], "disjoint": None}
    return Preparation("folder", data_dir, num_workers=1, **selection)


def labels(directory: Path) -> list[tuple[int, str, str]]:
    clips = tfds.builder_from_directory(directory).as_dataset(split="test").as_numpy_iterator()
    return sorted(
        (int(clip["label"]), clip["category"].decode(), clip["identity"].decode()) for clip in clips
    )


@pytest.mark.grid
def test_labels_corrected_during_preparation_are_used(manifest, tmp_path):
    # A job that was killed after it wrote the dataset, before its report.
    source = manifest(label=0, identity="s1")
    here = preparation(tmp_path / "data")
    plan = here.plan(source)
    work = here.directory.parent / "preparing"
    done = job.prepare_media(plan.media, work, detector="trees68", engine=ONE)
    Builder(prepared=done.clips, splits=plan.splits, data_dir=tmp_path / "data").write()
    assert labels(here.directory) == [(0, "RV-RA", "s1"), (0, "RV-RA", "s1")]
    # And one that was killed while it wrote the dataset.
    half = here.directory.with_name(f"incomplete.ABC123_{here.directory.name}")
    half.mkdir()
    stored = {path: path.stat().st_mtime_ns for path in work.glob("clips/*.npz")}
    assert len(stored) == 2
    assert here.status().startswith("2 of 2 files done; 2 clips (0.00 h); 0 rejected")

    source = manifest(label=1, identity="somebody")
    assert not here.is_done(source)
    here.run(source, detector="trees68", engine=ONE, limits=DEFAULT_LIMITS, write_card=write_card)
    assert labels(here.directory) == [(0, "RV-RA", "s1"), (1, "FV-FA", "somebody")]
    assert here.status().startswith("done: 2 clips (0.00 h), 0 rejected; ")
    assert not half.exists()

    # Once complete, it is not changed, and refused if its source has changed.
    assert here.is_done(source)
    assert here.is_done(tmp_path / "raw files that were removed since")
    manifest(label=0, identity="somebody")
    with pytest.raises(ValueError, match=r"files, splits or labels of .* have changed since"):
        here.is_done(source)


def test_preparing_imports_no_tensorflow():
    # Its import would be most of the time of a small preparation, once in each process.
    code = (
        "import sys, avsync.preparation.dataset, avsync.reports.card.card, avsync.datasets.grid\n"
    )
    code += "print({'tensorflow', 'jax'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_dataset_of_another_storage_is_refused(tmp_path):
    job.write_reports([], {"limit": None, "split_list": [], "disjoint": None}, tmp_path)
    # Reports of older datasets do not mention it: they are of PNG.
    assert job.read_report(tmp_path, settings={"storage": "png"})
    with pytest.raises(ValueError, match="was prepared with storage=png, not raw: remove it"):
        job.read_report(tmp_path, settings={"storage": "raw"})
