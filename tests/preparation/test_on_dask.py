"""A Dask cluster makes the same clips as one machine, to the byte, and loses none to dead workers.

A scheduler and two workers run as processes of their own, as on a cluster.
"""

import contextlib
import functools
import hashlib
import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avsync.preparation import job, on_cluster
from avsync.preparation.journal import Entry
from avsync.preparation.progress import read_status
from avsync.preparation.store import stored_ids
from avsync.preparation.worker import Limits, Task, prepare_in_processes
from avsync.types import MediaFile
from tests.conftest import Run, Start
from tests.media.media_files import grid_files, write_bomb
from tests.preparation.dask_cluster import WITHOUT_AVSYNC, Cluster, cluster, end, spawned

pytest.importorskip("distributed", reason="Dask is an extra: pip install 'avsync[dask]'")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("dask") / "cluster", num_workers=2) as running:
        yield running


@pytest.fixture
def files(testdata: Path) -> list[MediaFile]:
    return [file._replace(path=file.path.resolve()) for file in grid_files(testdata, 8)]


def prepare(dask: Cluster, media: list[MediaFile], folder: Path, **limits: float):
    """The outcomes of a job in `folder`, as they come."""
    from avsync.preparation.on_dask import prepare_on_dask

    task = Task(folder / "clips", "trees68", Limits(**limits))
    task.clips.mkdir(exist_ok=True)
    return prepare_on_dask(media, task, journals=folder / "journals", address=dask.address)


def has_open(process: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return any(file.readlink() == path for file in Path(f"/proc/{process}/fd").iterdir())
    return False


def reasons(entries: list[Entry]) -> dict[str, str]:
    return {entry.clip_id: entry.reason for entry in entries}


def digests(directory: Path) -> dict[str, str]:
    paths = sorted(directory.glob("clips/*"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.grid
def test_dask_finishes_a_local_job_and_gives_the_same_bytes(tmp_path, dask, files):
    from avsync.preparation.on_dask import prepare_on_dask

    garbage = tmp_path / "garbage.mkv"
    garbage.write_text("no video")
    media = [*files[:4], MediaFile("garbage", garbage)]
    local = functools.partial(prepare_in_processes, num_workers=1)
    straight = job.prepare_media(media, tmp_path / "local", detector="trees68", engine=local)

    started = tmp_path / "started"
    job.prepare_media(media[:1], started, detector="trees68", engine=local)
    (before,) = started.glob("clips/*.npz")
    written = before.stat().st_mtime_ns
    counts = []
    resumed = job.prepare_media(
        media,
        started,
        detector="trees68",
        engine=functools.partial(prepare_on_dask, address=dask.address),
        progress=lambda num_clips, num_rejected: counts.append(num_clips + num_rejected),
    )
    assert counts == [1, 2, 3, 4, 5]
    assert before.stat().st_mtime_ns == written
    assert digests(started) == digests(tmp_path / "local")
    assert (resumed.rejects, resumed.report) == (straight.rejects, straight.report)
    status = read_status(started)
    assert status is not None
    assert (status.num_clips, status.by_reason) == (4, {"not_media": 1})


@pytest.mark.grid
def test_a_file_that_crashes_hangs_or_needs_too_much_memory_is_one_reject(tmp_path, dask, files):
    huge = MediaFile("huge", write_bomb(tmp_path / "huge.mov", side_pixels=4000, num_frames=60))
    entries = list(prepare(dask, [huge, *files[:2]], tmp_path, gigabytes=0.5))
    assert reasons(entries) == {"huge": "out_of_memory"} | dict.fromkeys(
        (file.clip_id for file in files[:2]), ""
    )
    # Decoding a gigabyte of frames takes seconds on any machine.
    assert reasons(list(prepare(dask, [huge], tmp_path, seconds=0.5))) == {"huge": "timed_out"}

    before = dask.processes()
    with ThreadPoolExecutor(1) as executor:
        found = executor.submit(list, prepare(dask, [huge], tmp_path))
        while not (reading := [p for p in dask.processes() - before if has_open(p, huge.path)]):
            assert not found.done()
            time.sleep(0.05)
        os.kill(*reading, signal.SIGSEGV)
        (last,) = found.result()
    assert last.reason == "crashed"
    assert "SIGSEGV" in last.detail


@pytest.mark.grid
def test_a_machine_that_is_lost_costs_no_file(tmp_path, files):
    with cluster(tmp_path / "cluster", num_workers=2) as dask:
        entries = prepare(dask, files, tmp_path)
        first = next(entries)
        end(dask.workers[0])  # with its nanny and its worker process
        found = [first, *entries]
        assert reasons(found) == {file.clip_id: "" for file in files}
        assert len(found) == len(files)
        assert len(stored_ids(reasons(found), tmp_path / "clips")) == len(files)

        # Only the Dask worker dies: its nanny starts another. Its worker process ends by itself.
        nanny = dask.workers[1].pid
        (worker,) = spawned(nanny)
        (process,) = spawned(worker)
        entries = prepare(dask, files[:2], tmp_path)
        os.kill(worker, signal.SIGKILL)
        assert reasons(list(entries)) == {file.clip_id: "" for file in files[:2]}
        assert worker not in spawned(nanny)
        assert not Path(f"/proc/{process}").exists()


@pytest.mark.grid
def test_a_file_during_which_several_dask_workers_die_is_rejected(tmp_path, dask):
    from distributed import Client

    huge = MediaFile("huge", write_bomb(tmp_path / "huge.mov", side_pixels=4000, num_frames=60))
    with Client(dask.address, set_as_default=False) as client:
        client.run_on_scheduler(
            lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0)
        )
        entries = prepare(dask, [huge], tmp_path)
        with ThreadPoolExecutor(1) as executor:
            found = executor.submit(list, entries)
            while not (busy := client.processing()) or not any(busy.values()):
                assert not found.done()
                time.sleep(0.05)
            (address,) = (address for address, keys in busy.items() if keys)
            os.kill(client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
        client.run_on_scheduler(
            lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 3)
        )
    (entry,) = found.result()
    assert (entry.reason, entry.detail) == ("crashed", "1 Dask workers died while they prepared it")


def test_a_lost_scheduler_ends_the_job_with_a_sentence(tmp_path):
    huge = MediaFile("huge", write_bomb(tmp_path / "huge.mov", side_pixels=4000, num_frames=60))
    with cluster(tmp_path / "cluster", num_workers=0) as dask:
        killer = threading.Timer(2.0, end, [dask.scheduler])
        killer.start()
        with pytest.raises(ValueError, match=r"scheduler was lost; .* run this command again"):
            list(prepare(dask, [huge], tmp_path))
        killer.join()


def test_a_scheduler_without_avsync_ends_the_job_with_a_sentence(tmp_path):
    with cluster(tmp_path / "cluster", num_workers=0, scheduler_is=WITHOUT_AVSYNC) as dask:
        media = [MediaFile("a", tmp_path / "a.mkv")]
        with pytest.raises(
            ValueError, match=r"the Dask scheduler lacks a package: .*avsync.*; ins"
        ):
            list(prepare(dask, media, tmp_path))


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    from avsync.preparation import on_dask

    monkeypatch.setattr(on_dask, "CONNECT_SECONDS", 1.0)
    media, task = [MediaFile("a", tmp_path / "a.mkv")], Task(tmp_path, "trees68")
    with pytest.raises(ValueError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1: "):
        list(on_dask.prepare_on_dask(media, task, journals=tmp_path, address="tcp://127.0.0.1:1"))


def test_a_machine_that_does_not_see_the_files_ends_the_job(tmp_path, dask, files, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.mkv").write_text("no video")
    # Another file in each process: the working directories differ.
    unseen = MediaFile("a", Path("/proc/self/cwd/a.mkv"))
    with pytest.raises(ValueError, match=r"does not see /proc/self/cwd/a\.mkv: all machines must"):
        list(prepare(dask, [unseen], tmp_path))
    unmounted = Path("/proc/self/cwd/work")
    unmounted.mkdir()
    with pytest.raises(ValueError, match=r"the Dask worker on .*: cannot write the clip of "):
        list(prepare(dask, files[:1], unmounted))


def test_a_machine_with_other_versions_is_refused(tmp_path):
    from avsync.preparation import on_dask

    place = on_dask._place()
    asked = on_dask.Place("here", place.versions | {"av": "1.0"})
    with pytest.raises(ValueError, match=rf"on {place.host} has av .*, here has 1\.0: install the"):
        on_dask._prepare(MediaFile("a", tmp_path), Task(tmp_path, "trees68"), asked)


def test_relative_paths_are_refused(tmp_path, dask):
    with pytest.raises(ValueError, match=r"^a\.mkv: Dask needs absolute paths"):
        list(prepare(dask, [MediaFile("a", Path("a.mkv"))], tmp_path))


def test_a_worker_process_without_files_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(on_cluster, "IDLE_SECONDS", 0.5)
    pool = on_cluster.WorkerPool()
    missing = MediaFile("a", tmp_path / "a.mkv")
    before = multiprocessing.active_children()
    outcome = pool.prepare(missing, Task(tmp_path, "trees68"))
    assert outcome.reject is not None
    assert outcome.reject.reason == "missing_file"
    (worker,) = {*multiprocessing.active_children()} - {*before}
    # Not by join: the thread that ends the process waits for it too.
    while worker in multiprocessing.active_children():
        time.sleep(0.05)


@pytest.mark.grid
def test_a_killed_preparation_on_dask_resumes_and_equals_a_local_one(
    tmp_path, dask, files, run_binary: Run, start_binary: Start
):
    source = tmp_path / "source" / "s1"
    source.mkdir(parents=True)
    for file in files[:5]:
        (source / file.path.name).symlink_to(file.path)
    (source / "broken.mkv").write_text("no video")
    arguments = ["--dataset=grid/heldout", f"--source={source.parent}"]
    local, remote = f"--data_dir={tmp_path / 'local'}", f"--data_dir={tmp_path / 'remote'}"
    assert run_binary("prepare", *arguments, local, "--workers=1").returncode == 0

    on_dask = [*arguments, remote, f"--engine={dask.engine}"]
    killed = start_binary("prepare", *on_dask)
    work = tmp_path / "remote" / "grid" / "heldout" / "preparing"
    while not any('"reason": ""' in path.read_text() for path in work.glob("journals/*")):
        assert killed.poll() is None, "the preparation was done before it could be killed"
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    status = run_binary("prepare", *arguments, remote, "--status").stdout
    assert re.match(r"[1-5] of 6 files done; [1-5] clips", status)
    done = run_binary("prepare", *on_dask)
    assert done.returncode == 0, done.stderr
    assert "prepared 6 of 6 files: 5 clips, 1 rejected" in done.stderr
    assert written(tmp_path / "remote") == written(tmp_path / "local")


def written(data_dir: Path) -> dict[str, bytes]:
    """The TFDS files and rejects of the dataset, by name."""
    paths = [path for path in data_dir.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(data_dir)): path.read_bytes()
        for path in paths
        if ".tfrecord" in path.name or path.name in ("rejects.jsonl", "dataset_info.json")
    }
