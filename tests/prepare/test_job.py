"""A job loses no file: whatever dies, each is a clip or a reject, and none is done twice."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from avsync.prepare import job
from avsync.prepare.store import ClipStore, save
from avsync.prepare.workers import prepare_in_processes
from avsync.types import Clip, MediaFile

# A job of its own, to be killed: `python -c JOB directory file file …`.
JOB = """
import sys
from pathlib import Path
from avsync.prepare import job
from avsync.types import MediaFile
if __name__ == "__main__":
    media = [MediaFile(Path(name).stem, Path(name)) for name in sys.argv[2:]]
    job.prepare_media(media, Path(sys.argv[1]), detector="dlib68", num_workers=1)
"""


def some_clip(clip_id: str = "a", **fields) -> Clip:
    rng = np.random.default_rng(0)
    return Clip(
        clip_id=clip_id,
        frames=rng.integers(0, 256, (25, 96, 96, 1), np.uint8),
        waveform=rng.integers(-9, 9, 25 * 640, np.int16),
        **fields,
    )


@pytest.fixture
def real_files(testdata: Path) -> list[MediaFile]:
    paths = sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:3]
    return [MediaFile(path.stem, path, identity="s1") for path in paths]


def assert_same_clips(one: ClipStore, other: ClipStore) -> None:
    assert list(one) == list(other)
    for clip_id in one:
        np.testing.assert_array_equal(one[clip_id].frames, other[clip_id].frames)
        np.testing.assert_array_equal(one[clip_id].waveform, other[clip_id].waveform)


def test_a_clip_comes_back_as_it_was_stored(tmp_path):
    clip = some_clip(
        "id1/übung:0",
        label=1,
        category="RV-FA",
        manipulation="splice",
        fake_segments=((0.25, 0.5), (0.75, 1.0)),
        media={"video_codec": "h264", "width_pixels": 360},
    )
    save(clip, tmp_path)
    store = ClipStore(tmp_path, ["other", clip.clip_id])
    assert list(store) == [clip.clip_id]
    assert "other" not in store
    back = store[clip.clip_id]
    np.testing.assert_array_equal(back.frames, clip.frames)
    assert back.replace(frames=clip.frames, waveform=clip.waveform) == clip
    assert store.media(clip.clip_id) == {"video_codec": "h264", "width_pixels": 360}
    assert store.num_frames(clip.clip_id) == 25
    with pytest.raises(KeyError):
        store["other"]


def test_a_half_written_clip_does_not_count(tmp_path):
    save(some_clip(), tmp_path)
    (whole,) = tmp_path.iterdir()
    whole.with_suffix(".123.part").write_bytes(whole.read_bytes()[:1000])
    whole.unlink()
    assert "a" not in ClipStore(tmp_path, ["a"])


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
    with pytest.raises(ValueError, match=r"none of 4 raw files became a clip: .*'no_face': 1"):
        job.prepare_media(media, tmp_path / "work", detector="dlib68", num_workers=2)
    lines = [json.loads(x) for x in (tmp_path / "work" / job.REJECTS).read_text().splitlines()]
    assert {line["clip_id"]: line["reason"] for line in lines} == {
        "flat": "no_face",
        "mute": "no_audio",
        "garbage": "undecodable",
        "missing": "missing_file",
    }
    assert all(set(line) == {"clip_id", "path", "reason", "detail"} for line in lines)


@pytest.mark.grid
def test_a_job_killed_and_run_again_does_nothing_twice_and_ends_the_same(tmp_path, real_files):
    garbage = tmp_path / "0_garbage.mkv"
    garbage.write_text("no video")
    media = [MediaFile(garbage.stem, garbage), *real_files]
    straight = job.prepare_media(media, tmp_path / "straight", detector="dlib68", num_workers=1)
    assert len(straight.clips) + len(straight.rejects) == len(media)

    killed = tmp_path / "killed"
    names = [str(file.path) for file in media]
    process = subprocess.Popen([sys.executable, "-c", JOB, str(killed), *names])
    while len(list(killed.glob("clips/*.npz"))) < 1:
        assert process.poll() is None, "the job was done before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(2)  # its worker ends the clip in its hand, and then itself
    done = {path: path.stat().st_mtime_ns for path in killed.glob("clips/*.npz")}
    with (killed / job.REJECTS).open("a") as file:
        file.write('{"clip_id": "half a li')

    counts = []
    resumed = job.prepare_media(
        media,
        killed,
        detector="dlib68",
        num_workers=1,
        progress=lambda num_clips, num_rejected: counts.append((num_clips, num_rejected)),
    )
    assert counts[0] == (len(done), 1)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert_same_clips(resumed.clips, straight.clips)
    assert resumed.rejects == straight.rejects
    assert resumed.report == straight.report
    assert not list(killed.glob("clips/*.part"))


@pytest.mark.grid
def test_a_worker_that_dies_costs_the_file_in_its_hand_and_no_other(tmp_path, real_files):
    outcomes = prepare_in_processes(real_files, tmp_path, detector="dlib68", num_workers=1)
    first = next(outcomes)
    (worker,) = multiprocessing.active_children()
    os.kill(worker.pid, signal.SIGSEGV)
    rest = list(outcomes)
    assert first.reject is None
    assert [outcome.reject.reason for outcome in rest if outcome.reject] == ["crashed"]
    assert "SIGSEGV" in rest[0].reject.detail
    assert [outcome.media for outcome in [first, *rest]] == real_files
    assert len(ClipStore(tmp_path, [file.clip_id for file in real_files])) == 2
    assert multiprocessing.active_children() == []


@pytest.mark.grid
def test_a_file_that_takes_too_long_is_given_up(tmp_path, real_files):
    outcomes = prepare_in_processes(
        real_files[:2], tmp_path, detector="dlib68", num_workers=1, time_limit_seconds=0.0
    )
    assert [outcome.reject.reason for outcome in outcomes] == ["timed_out", "timed_out"]


@pytest.mark.grid
def test_rejects_are_remembered_until_they_are_to_be_forgotten(tmp_path, real_files):
    path = tmp_path / "late.mkv"
    media = [real_files[0], MediaFile("late", path)]
    options = {"detector": "dlib68", "num_workers": 1}
    work = tmp_path / "work"
    assert [x["reason"] for x in job.prepare_media(media, work, **options).rejects] == [
        "missing_file"
    ]
    path.symlink_to(real_files[1].path)
    assert len(job.prepare_media(media, work, **options).rejects) == 1
    job.forget_rejects(work)
    prepared = job.prepare_media(media, work, **options)
    assert prepared.rejects == []
    assert list(prepared.clips) == [real_files[0].clip_id, "late"]


def test_clips_of_other_settings_are_not_mixed_in(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"version": 0, "detector": "dlib68"}))
    with pytest.raises(ValueError, match=r"was begun with .*'version': 0.*remove that directory"):
        job.prepare_media([], tmp_path, detector="dlib68", num_workers=1)


def test_two_files_with_one_id_are_refused(tmp_path):
    media = [MediaFile("same", tmp_path / "a.mp4"), MediaFile("same", tmp_path / "b.mp4")]
    with pytest.raises(ValueError, match="two raw files have the id 'same'"):
        job.prepare_media(media, tmp_path, detector="dlib68", num_workers=1)


def test_a_report_of_other_settings_is_not_taken_for_these(tmp_path):
    assert job.read_report(tmp_path, settings={"limit": None}) is None
    job.write_reports([], {"num_clips": 3, "limit": 3}, tmp_path)
    assert job.read_report(tmp_path, settings={"limit": 3}) == {"num_clips": 3, "limit": 3}
    with pytest.raises(ValueError, match="was prepared with limit 3, not None"):
        job.read_report(tmp_path, settings={"limit": None})
