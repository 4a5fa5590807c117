"""A file read in chunks gives the same result as one read at once."""

import weakref
from pathlib import Path

import numpy as np
import pytest

from avsync.media.crop_store import open_store
from avsync.media.footage import read_footage
from avsync.media.landmarks.base import FaceDetector, load_detector
from avsync.media.mouth_crop import crop_mouths, fill_missing
from avsync.media.read_ahead import in_turn, read_ahead
from avsync.media.rejects import Reject
from avsync.media.tracks import crop_tracks
from avsync.preparation.clips import prepare_clip
from avsync.types import MediaFile
from tests import odd_files
from tests.media.test_tracks import DrawnFaces, draw, still, talking
from tests.media.whole_files import landmarks_of_faces, seen_frames


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return load_detector("trees68")


@pytest.mark.parametrize(
    "faces",
    [
        [still(0, 60)],
        [still(7, 50), talking(20, 90, x=120)],
        [still(0, 20) | still(31, 70)],  # unseen for less than a second: one face
        [still(0, 20) | still(50, 80)],  # unseen for more: two
        [still(3, 12)],
        [talking(0, 200)],
    ],
    ids=["alone", "two", "lost and found", "one after another", "short", "long"],
)
@pytest.mark.parametrize("schedule", [in_turn, read_ahead])
def test_crops_made_in_chunks_equal_those_of_the_whole_video(faces, schedule):
    frames = draw(200, *faces)
    whole = landmarks_of_faces(frames, DrawnFaces())
    with open_store() as store:
        tracks = crop_tracks(iter(frames), DrawnFaces(), store=store, schedule=schedule)
        counted = [track for track in tracks if len(track.boxes) >= 12]
        assert len(counted) == len(whole)
        for track, expected in zip(counted, whole, strict=True):
            seen = seen_frames(expected)
            span = slice(seen[0], seen[-1] + 1)
            assert (track.first, track.last_seen + 1) == (span.start, span.stop)
            assert track.seen_share == pytest.approx(len(seen) / (span.stop - span.start))
            crops = crop_mouths(frames[span], fill_missing(expected[span]))
            np.testing.assert_array_equal(store.read(track.places), crops)


@pytest.mark.parametrize(("schedule", "most"), [(in_turn, 70), (read_ahead, 95)])
def test_few_frames_are_in_memory_at_once(schedule, most):
    """A frame of 8K has 35 MB, and 3.8 GiB must do: 50 frames ahead of the crops were too many."""
    drawn, living, numbers = draw(300, talking(0, 300)), set(), []

    def frames():
        for number, frame in enumerate(drawn):
            copied = frame.copy()
            weakref.finalize(copied, living.discard, number)
            living.add(number)
            numbers.append(len(living))
            yield copied

    with open_store() as store:
        (track,) = crop_tracks(frames(), DrawnFaces(25), store=store, schedule=schedule)
    assert len(track.places) == 300
    assert max(numbers) <= most


def test_a_video_without_faces_has_no_tracks():
    with open_store() as store:
        assert crop_tracks(iter(draw(40)), DrawnFaces(), store=store) == []
        assert crop_tracks(iter([]), DrawnFaces(), store=store) == []


@pytest.mark.grid
def test_scoring_reads_the_crops_and_the_sound_that_preparation_stores(testdata, detector):
    path = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    clip = prepare_clip(MediaFile("clip", path), detector=detector)
    with open_store() as store:
        read = []
        footage = read_footage(path, detector, store=store, advance=lambda *call: read.append(call))
        (track,) = footage.tracks
        np.testing.assert_array_equal(store.read(track.places), clip.frames)
    np.testing.assert_array_equal(footage.waveform, clip.waveform)
    assert (footage.start_seconds, footage.remark) == (0, "")
    assert read == [(25, 74), (50, 74), (74, 74)]


@pytest.mark.grid
def test_frames_before_the_sound_starts_are_left_out(testdata, detector, write_media):
    frames, sound = odd_files.read(testdata / "grid_s1" / "video" / "bbaf2n.mkv")
    path = write_media(
        frames=frames,
        times=np.arange(75) / 25,
        sound=[(0.4, sound[:, round(0.4 * 44_100) :])],
        sample_rate=44_100,
    )
    with open_store() as store:
        footage = read_footage(path, detector, store=store)
    assert footage.start_seconds == pytest.approx(0.4)
    assert len(footage.waveform) == 64 * 640
    assert len(footage.tracks[0].places) == len(footage.waveform) // 640


@pytest.mark.grid
def test_video_beyond_the_audio_is_left_out_with_a_remark(testdata, detector, write_media):
    frames, sound = odd_files.read(testdata / "grid_s1" / "video" / "bbaf2n.mkv")
    path = write_media(
        frames=frames,
        times=np.arange(75) / 25,
        sound=[(0, sound[:, : round(1.6 * 44_100)])],
        sample_rate=44_100,
    )
    with open_store() as store:
        footage = read_footage(path, detector, store=store)
    assert len(footage.tracks[0].places) == len(footage.waveform) // 640 == 40
    recording = footage.recording
    assert (recording.audio_seconds, recording.video_seconds) == (pytest.approx(1.6), 3.0)
    assert footage.remark == "1.60 s of audio for 3.00 s of video: only their common part is used"


def test_a_silent_file_is_rejected_before_faces_are_searched_for(write_media):
    times = np.arange(50) / 25
    path = write_media(
        frames=np.zeros((50, 48, 64), np.uint8), times=times, sound=[(0, np.zeros((1, 32_000)))]
    )
    detector = DrawnFaces()
    with open_store() as store, pytest.raises(Reject, match="all_silent"):
        read_footage(Path(path), detector, store=store)
    assert detector.num_searched == 0


def test_stored_crops_are_read_in_any_order_from_memory_and_from_disk(monkeypatch):
    crops = np.random.default_rng(0).integers(0, 256, (8, 96, 96, 1), np.uint8)
    for in_memory in (4 * 96**2, 100 * 96**2):
        monkeypatch.setattr("avsync.media.crop_store.MAX_BYTES_IN_MEMORY", in_memory)
        with open_store() as store:
            places = [*store.add(crops[:3]), *store.add(crops[3:])]
            np.testing.assert_array_equal(store.read(places[::-1]), crops[::-1])
            np.testing.assert_array_equal(store.read(places[2:4]), crops[2:4])
