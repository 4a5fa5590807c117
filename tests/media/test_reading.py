"""A worker process reads what this process would, and survives what would end this one."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from avsync.limits import Limits
from avsync.media.face_crop import face_path
from avsync.media.landmarks.base import load_detector
from avsync.media.process_reader import ProcessReader
from avsync.media.reading import DirectReader, FaceSpan
from avsync.media.rejects import Reject
from tests.media.media_files import write_bomb

pytestmark = pytest.mark.grid

# Of a face that stays where it is.
OUTLINES = np.tile(np.array([100, 100, 200, 200], np.float32), (60, 1))


@pytest.fixture(scope="module")
def clips(testdata: Path) -> list[Path]:
    return sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:3]


@pytest.fixture(scope="module")
def reader():
    reader = ProcessReader("trees68", limits=Limits(hours=0.001, megapixels=10.0, gigabytes=0.5))
    yield reader
    reader.close()


def no_advance(done: int, total: int) -> None:
    del done, total


def status(reader: ProcessReader, path: Path) -> str:
    with pytest.raises(Reject) as raised, reader.footage(path, advance=no_advance):
        pass
    return raised.value.reason


def test_both_readers_give_the_same_frames_and_samples(clips):
    direct, process = DirectReader(load_detector("trees68")), ProcessReader("trees68")
    for path, following in zip(clips, [*clips[1:], clips[0]], strict=True):
        calls = []
        with (
            direct.footage(path, advance=no_advance) as (expected, expected_store),
            process.footage(path, advance=lambda *call: calls.append(call)) as (read, store),  # noqa: B023
        ):
            process.look_ahead(following)
            assert process.content(path) == direct.content(path)
            (one,), (other,) = expected.tracks, read.tracks
            np.testing.assert_array_equal(store.read(other.places), expected_store.read(one.places))
            np.testing.assert_array_equal(other.outline_boxes, one.outline_boxes)
        np.testing.assert_array_equal(read.waveform, expected.waveform)
        assert read.recording.facts == expected.recording.facts
        assert calls[-1] == (len(one.places), len(one.places))
    spans = [FaceSpan(range(3, 9), face_path(OUTLINES[:6]))]
    crops = [list(reader.face_crops(clips[-1], spans)) for reader in (direct, process)]
    assert [crop.frame for crop in crops[1]] == list(range(3, 9))
    for ours, theirs in zip(*crops, strict=True):
        np.testing.assert_array_equal(ours.crop, theirs.crop)
    process.close()


def test_a_file_that_is_not_the_one_announced_is_read(reader, clips, tmp_path):
    reader.look_ahead(clips[0])
    assert status(reader, tmp_path / "missing.mp4") == "missing_file"


def test_the_stamp_of_a_file_is_of_before_it_was_read(reader, clips, tmp_path):
    growing = tmp_path / "growing.mkv"
    growing.write_bytes(clips[0].read_bytes()[:1000])
    with reader.footage(clips[1], advance=no_advance):
        reader.look_ahead(growing)
    reader.call(len, "")  # it has been read
    growing.write_bytes(clips[0].read_bytes())
    assert status(reader, growing) == "no_audio"
    assert reader.content(growing).stamp.bytes == 1000


def test_each_limit_is_a_status_and_the_next_file_is_read(reader, clips, tmp_path):
    huge = write_bomb(tmp_path / "huge.mov", side_pixels=4000, num_frames=30)
    heavy = write_bomb(tmp_path / "heavy.mov", side_pixels=3100, num_frames=70)
    long = write_bomb(tmp_path / "long.mov", side_pixels=16, num_frames=100)
    found = [status(reader, path) for path in (huge, heavy, long)]
    assert found == ["too_large", "out_of_memory", "too_long"]
    with reader.footage(clips[0], advance=no_advance) as (footage, _):
        assert len(footage.tracks) == 1


def test_a_function_is_called_in_the_worker_once_the_file_ahead_is_read(reader, clips):
    reader.look_ahead(clips[0])
    worker = reader.call(os.getpid)
    assert worker != os.getpid()
    with pytest.raises(Reject, match=r"failed: TypeError .*len\(\)"):
        reader.call(len, 3)
    with reader.footage(clips[0], advance=no_advance) as (footage, _):
        assert len(footage.tracks) == 1
    assert reader.call(os.getpid) == worker


def test_another_thread_can_interrupt_what_waits_for_the_worker(tmp_path):
    reader = ProcessReader("trees68")
    slow = write_bomb(tmp_path / "slow.mov", side_pixels=4000, num_frames=150)
    reader.call(os.getpid)  # it has started
    reader.look_ahead(slow)
    threading.Timer(0.3, reader.interrupt).start()
    began = time.monotonic()
    with pytest.raises(Reject, match="interrupted"):
        reader.call(os.getpid)
    assert time.monotonic() - began < 10
    assert status(reader, slow) == "crashed"
    reader.close()


def test_an_abandoned_stream_of_crops_leaves_the_reader_usable(reader, clips):
    crops = reader.face_crops(clips[0], [FaceSpan(range(60), face_path(OUTLINES))])
    assert next(crops).frame == 0
    crops.close()
    with reader.footage(clips[1], advance=no_advance) as (footage, _):
        assert len(footage.tracks) == 1
