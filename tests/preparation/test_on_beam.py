"""Beam makes the same clips as one machine, to the byte, under the same limits."""

import functools
import hashlib
from pathlib import Path

import pytest

from avsync.preparation import job
from avsync.preparation.worker import Limits, prepare_in_processes
from avsync.types import MediaFile
from tests.media.media_files import grid_files, write_bomb
from tests.open_corpora import write_lombard_grid

pytest.importorskip("apache_beam", reason="Beam is an extra: pip install 'avsync[beam]'")

# Two processes beside this one, which share only the folder, as on a cluster.
OPTIONS = (
    "--runner=DirectRunner",
    "--direct_running_mode=multi_processing",
    "--direct_num_workers=2",
)


@pytest.fixture
def on_beam():
    from avsync.preparation.on_beam import prepare_on_beam

    return functools.partial(prepare_on_beam, options=OPTIONS)


def digests(directory: Path) -> dict[str, str]:
    paths = sorted(directory.glob("clips/*.npz"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.grid
def test_beam_resumes_a_local_job_and_gives_the_same_bytes(
    tmp_path, testdata, on_beam, monkeypatch
):
    monkeypatch.setattr("avsync.preparation.on_beam.MIN_PORTIONS", 2)  # of three files and of two
    garbage = tmp_path / "garbage.mkv"
    garbage.write_text("no video")
    media = [*grid_files(testdata, 4), MediaFile("garbage", garbage)]
    # One that needs more than its path: its sound is in another file.
    write_lombard_grid(media[0].path, tmp_path, "s2_l_bbim3a")
    sound = tmp_path / "audio" / "s2_l_bbim3a.wav"
    media.append(MediaFile("two", tmp_path / "front" / "s2_l_bbim3a.mov", sound=sound))
    media = [file._replace(path=file.path.resolve()) for file in media]
    local = functools.partial(prepare_in_processes, num_workers=1)
    straight = job.prepare_media(media, tmp_path / "local", detector="trees68", engine=local)

    started = tmp_path / "started"
    job.prepare_media(media[:1], started, detector="trees68", engine=local)
    (before,) = started.glob("clips/*.npz")
    written = before.stat().st_mtime_ns
    resumed = job.prepare_media(media, started, detector="trees68", engine=on_beam)
    assert before.stat().st_mtime_ns == written
    assert len(resumed.clips) == 5
    assert digests(started) == digests(tmp_path / "local")
    assert (resumed.rejects, resumed.report) == (straight.rejects, straight.report)


@pytest.mark.grid
def test_a_file_that_needs_too_much_memory_costs_a_beam_job_one_reject(tmp_path, testdata, on_beam):
    bomb = MediaFile("bomb", write_bomb(tmp_path / "b.mov", side_pixels=4000, num_frames=40))
    (good,) = grid_files(testdata, 1)
    media = [bomb, good._replace(path=good.path.resolve())]
    prepared = job.prepare_media(
        media,
        tmp_path / "work",
        detector="trees68",
        engine=on_beam,
        limits=Limits(gigabytes=0.5),
    )
    assert list(prepared.clips) == [good.clip_id]
    assert [(line["clip_id"], line["reason"]) for line in prepared.rejects] == [
        ("bomb", "out_of_memory")
    ]


def test_beam_refuses_relative_paths(tmp_path, on_beam):
    media = [MediaFile("a", Path("a.mp4"))]
    with pytest.raises(ValueError, match=r"^a\.mp4: Beam needs absolute paths"):
        job.prepare_media(media, tmp_path, detector="trees68", engine=on_beam)
