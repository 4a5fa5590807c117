"""A job loses no file: killed any number of times, it makes each a clip or a reject, once."""

import functools
import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from avsync.preparation import job
from avsync.preparation.progress import read_status
from avsync.preparation.worker import prepare_in_processes
from avsync.types import MediaFile
from tests.media.conftest import write_media
from tests.media.media_files import grid_files

__all__ = ["write_media"]  # a fixture

# A job in its own process, to be killed: `python -c JOB directory file file …`.
JOB = """
import functools, sys
from pathlib import Path
from avsync.preparation import job
from avsync.preparation.worker import prepare_in_processes
from avsync.types import MediaFile
if __name__ == "__main__":
    media = [MediaFile(Path(name).stem, Path(name)) for name in sys.argv[2:]]
    engine = functools.partial(prepare_in_processes, num_workers=1)
    job.prepare_media(media, Path(sys.argv[1]), detector="trees68", engine=engine)
"""

TWO = functools.partial(prepare_in_processes, num_workers=2)


@pytest.fixture
def short_files(testdata: Path, write_media) -> list[MediaFile]:
    """A dozen real clips of 1.2 s, and a file that is not a video."""
    media = []
    for file in grid_files(testdata, 6):
        with av.open(str(file.path)) as container:
            frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
        rng = np.random.default_rng(0)
        sound = [(0, rng.uniform(-0.5, 0.5, (1, 19_200)))]
        for start in (0, 35):
            name = f"{file.clip_id}_{start}.mkv"
            part = np.stack(frames[start : start + 30])
            path = write_media(frames=part, times=np.arange(30) / 25, sound=sound, name=name)
            media.append(MediaFile(path.stem, path))
    garbage = media[0].path.with_name("0_garbage.mkv")
    garbage.write_text("no video")
    return [MediaFile(garbage.stem, garbage), *media]


def digests(directory: Path) -> dict[str, str]:
    """A digest of each clip's bytes."""
    paths = sorted(directory.glob("clips/*.npz"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_each_file_is_a_clip_or_a_reject_with_its_reason(tmp_path, write_media):
    flat = np.full((50, 96, 128), 128, np.uint8)
    times, sound = np.arange(50) / 25, [(0, np.full((1, 32_000), 0.5))]
    garbage = tmp_path / "garbage.mkv"
    garbage.write_text("no video")
    media = [
        MediaFile("flat", write_media(frames=flat, times=times, sound=sound, name="flat.mkv")),
        MediaFile("mute", write_media(frames=flat, times=times, name="mute.mkv")),
        MediaFile("garbage", garbage),
        MediaFile("missing", tmp_path / "none.mkv"),
    ]
    with pytest.raises(ValueError, match=r"no clip could be prepared from 4 raw .*'no_face': 1"):
        job.prepare_media(media, tmp_path / "work", detector="trees68", engine=TWO)
    lines = [json.loads(x) for x in (tmp_path / "work" / job.REJECTS).read_text().splitlines()]
    assert {line["clip_id"]: line["reason"] for line in lines} == {
        "flat": "no_face",
        "mute": "no_audio",
        "garbage": "not_media",
        "missing": "missing_file",
    }
    assert all(set(line) == {"clip_id", "path", "reason", "detail"} for line in lines)


@pytest.mark.grid
def test_a_job_killed_repeatedly_repeats_no_file_and_gives_the_same_bytes(tmp_path, short_files):
    straight = job.prepare_media(short_files, tmp_path / "straight", detector="trees68", engine=TWO)
    assert (len(straight.clips), len(straight.rejects)) == (12, 1)

    killed = tmp_path / "killed"
    names = [str(file.path) for file in short_files]
    rng = random.Random(0)
    done: dict[Path, int] = {}
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", JOB, str(killed), *names])
        num_more = rng.randint(1, 2)
        while len(list(killed.glob("clips/*.npz"))) < len(done) + num_more:
            if process.poll() is not None:
                break
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        before, done = done, {path: path.stat().st_mtime_ns for path in killed.glob("clips/*.npz")}
        assert before.items() <= done.items()
    status = read_status(killed)
    assert status is not None
    assert status.num_files == 13
    assert 0 < status.num_clips <= len(done)
    for path in killed.glob("journals/*.jsonl"):
        with path.open("a") as file:
            file.write('{"clip_id": "half a li')

    counts = []
    resumed = job.prepare_media(
        short_files,
        killed,
        detector="trees68",
        engine=TWO,
        progress=lambda num_clips, num_rejected: counts.append((num_clips, num_rejected)),
    )
    assert counts[0] >= (len(done), 1)
    assert counts[-1] == (12, 1)
    assert digests(killed) == digests(tmp_path / "straight")
    assert resumed.rejects == straight.rejects
    assert resumed.report == straight.report
    status = read_status(killed)
    assert status is not None
    assert (status.num_clips, status.by_reason) == (12, {"not_media": 1})
    assert status.hours_of_video == pytest.approx(12 * 1.2 / 3600)


@pytest.mark.grid
def test_rejects_are_remembered_until_they_are_dropped(tmp_path, testdata):
    path = tmp_path / "late.mkv"
    files = grid_files(testdata, 2)
    media = [files[0], MediaFile("late", path)]
    options = {"detector": "trees68", "engine": TWO}
    work = tmp_path / "work"
    assert [x["reason"] for x in job.prepare_media(media, work, **options).rejects] == [
        "missing_file"
    ]
    path.symlink_to(files[1].path)
    assert len(job.prepare_media(media, work, **options).rejects) == 1
    job.forget_rejects(work)
    prepared = job.prepare_media(media, work, **options)
    assert prepared.rejects == []
    assert list(prepared.clips) == [files[0].clip_id, "late"]


def test_clips_made_with_other_settings_are_refused(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"version": 0, "detector": "trees68"}))
    with pytest.raises(ValueError, match=r"was started with .*'version': 0.*remove it"):
        job.prepare_media([], tmp_path, detector="trees68", engine=TWO)


def test_a_mistyped_detector_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'trees68'"):
        job.prepare_media([], tmp_path / "work", detector="tree68", engine=TWO)
    assert not (tmp_path / "work").exists()


def test_two_files_with_the_same_id_are_refused(tmp_path):
    media = [MediaFile("same", tmp_path / "a.mp4"), MediaFile("same", tmp_path / "b.mp4")]
    with pytest.raises(ValueError, match="two raw files have the id 'same'"):
        job.prepare_media(media, tmp_path, detector="trees68", engine=TWO)


def test_a_report_with_other_settings_is_refused(tmp_path):
    assert job.read_report(tmp_path, settings={"limit": None}) is None
    job.write_reports([], {"num_clips": 3, "limit": 3}, tmp_path)
    assert job.read_report(tmp_path, settings={"limit": 3}) == {"num_clips": 3, "limit": 3}
    with pytest.raises(ValueError, match="was prepared with limit=3, not None"):
        job.read_report(tmp_path, settings={"limit": None})
