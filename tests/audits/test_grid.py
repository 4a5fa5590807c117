"""Real clips and the fakes made of them: nothing that an audit measures tells them apart."""

import functools
from pathlib import Path

import pytest

from avsync.audits import base
from avsync.audits.findings import Audit, audit
from avsync.datasets.base import open_source
from avsync.datasets.grid import Builder
from avsync.input_pipeline import sound
from avsync.preparation import job
from avsync.preparation.worker import prepare_in_processes

pytestmark = pytest.mark.grid


@pytest.fixture(scope="module")
def audited(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The audit of a dozen clips of one talker and nine fakes of each."""
    folder = tmp_path_factory.mktemp("grid")
    media = Builder.find_media(testdata / "grid_s1" / "video")[:12]
    engine = functools.partial(prepare_in_processes, num_workers=1)
    prepared = job.prepare_media(media, folder / "work", detector="trees68", engine=engine)
    Builder(prepared=prepared.clips, config="heldout", data_dir=folder).write()
    source = open_source("grid/heldout", "test", data_dir=folder)
    return audit(
        sound.read_sound(source),
        base.all_shortcuts(),
        others={other.split: sound.read_origins(other) for other in sound.other_splits(source)},
    )


def test_nothing_tells_the_fakes(audited):
    assert [finding.name for finding in audited.found] == []
    for finding in audited.findings:
        assert finding.original.low <= 0.5, finding.name
        assert finding.trimmed.low <= 0.5, finding.name
    numbers = [finding for finding in audited.findings if finding.kind == "number"]
    # What a probe has learned of a lent sound, that it is real, is wrong of the fake that has it.
    assert not any(finding.original.is_found or finding.trimmed.is_found for finding in numbers)


def test_all_that_is_known_of_the_files_and_the_sound_is_audited(audited):
    names = {finding.name for finding in audited.findings}
    assert {"leading_silence", "click", "random_network", "video_codec"} < names
    assert {"eye_distance_share", "length_difference_seconds", "file_bytes_per_second"} < names
    # Nobody says who speaks in a folder that is not named so.
    assert audited.not_measured == ["identity_leakage"]
