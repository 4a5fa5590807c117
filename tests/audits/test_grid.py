"""Real clips and the fakes made of them: an audit finds no silence, no click, no level."""

from pathlib import Path

import pytest

from avsync.audits import base
from avsync.audits.findings import Audit, audit
from avsync.audits.kinds import kinds_of_fakes
from avsync.datasets.base import open_source
from avsync.datasets.grid import Builder
from avsync.input_pipeline import sound
from avsync.prepare import job

pytestmark = pytest.mark.grid


@pytest.fixture(scope="module")
def audited(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The audit of a dozen clips of one talker and nine fakes of each."""
    folder = tmp_path_factory.mktemp("grid")
    media = Builder.find_media(testdata / "grid_s1" / "video")[:12]
    prepared = job.prepare_media(media, folder / "work", detector="dlib68", num_workers=1)
    Builder(prepared=prepared.clips, config="heldout", data_dir=folder).write()
    source = open_source("grid/heldout", "test", data_dir=folder)
    return audit(
        sound.read_sound(source),
        base.all_shortcuts(),
        others={other.split: sound.read_origins(other) for other in sound.other_splits(source)},
    )


def test_nothing_tells_the_fakes_but_their_length(audited):
    # Whoever shifts sound against picture is left with less of both.
    assert [finding.name for finding in audited.found] == ["duration"]
    shorter = kinds_of_fakes(audited)["duration"]["manipulation"]
    assert {kind for kind, views in shorter.items() if views["original"].auc != 0.5} <= {
        "shift_2",
        "shift_5",
        "shift_10",
        "swap",
    }
    for finding in audited.findings[1:]:
        assert finding.original.low <= 0.5 <= finding.original.high, finding.name


def test_all_that_is_known_of_the_files_and_the_sound_is_audited(audited):
    names = {finding.name for finding in audited.findings}
    assert {"leading_silence", "click", "random_network", "video_codec"} < names
    assert {"eye_distance_share", "length_difference_seconds", "file_bytes_per_second"} < names
    # Nobody says who speaks in a folder that is not named so.
    assert audited.not_measured == ["identity_leakage"]
