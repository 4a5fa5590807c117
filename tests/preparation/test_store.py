"""Clips are stored atomically, and read back unchanged with the current labels."""

import math

import numpy as np
import pytest

from avsync.preparation.store import ClipStore, is_stored, save
from avsync.types import MediaFile
from tests.media.media_files import MEASURED, some_clip


def test_a_clip_is_read_back_as_it_was_stored(tmp_path):
    clip_id = "id1/übung:0"
    clip = some_clip(clip_id, media={**MEASURED, "video_codec": "h264", "width_pixels": 360})
    save(clip, tmp_path, file_name="0.mp4")
    file = MediaFile(clip_id, tmp_path / "elsewhere" / "0.mp4")
    store = ClipStore(tmp_path, {"other": MediaFile("other", tmp_path / "1.mp4"), clip_id: file})
    assert list(store) == [clip_id]
    assert len(store) == 1
    assert "other" not in store
    back = store[clip_id]
    np.testing.assert_array_equal(back.frames, clip.frames)
    np.testing.assert_array_equal(back.waveform, clip.waveform)
    assert store.measured(clip_id) == (25, clip.media)
    with pytest.raises(KeyError):
        store["other"]


def test_a_stored_clip_has_the_current_labels_of_its_dataset(tmp_path):
    save(some_clip(media={**MEASURED, "num_leading_frames_cut": 5}), tmp_path, file_name="a.mp4")
    file = MediaFile(
        "a",
        tmp_path / "a.mp4",
        identity="id7",
        label=1,
        category="RV-FA",
        manipulation="splice",
        source_clip="b",
        fake_segments=((0.0, 0.1), (0.3, 0.7), (0.9, math.inf)),
        attributes={"gender": "f"},
    )
    clip = ClipStore(tmp_path, {"a": file})["a"]
    assert (clip.label, clip.category, clip.manipulation) == (1, "RV-FA", "splice")
    assert (clip.identity, clip.source_clip, clip.attributes) == ("id7", "b", {"gender": "f"})
    # 5 frames (0.2 s) were cut at the start of the file; 1 s is left.
    np.testing.assert_allclose(clip.fake_segments, [(0.1, 0.5), (0.7, 1.0)])


def test_a_clip_made_from_a_file_of_another_name_is_refused(tmp_path):
    save(some_clip(), tmp_path, file_name="a.mp4")
    store = ClipStore(tmp_path, {"a": MediaFile("a", tmp_path / "b.mp4")})
    with pytest.raises(ValueError, match=r"made from a\.mp4, but .* now .*b\.mp4; remove .*npz"):
        store["a"]


def test_a_half_written_clip_is_ignored(tmp_path):
    save(some_clip(), tmp_path, file_name="a.mp4")
    (whole,) = tmp_path.iterdir()
    whole.with_suffix(".123.part").write_bytes(whole.read_bytes()[:1000])
    assert is_stored("a", tmp_path)
    whole.unlink()
    assert not is_stored("a", tmp_path)
    assert "a" not in ClipStore(tmp_path, {"a": MediaFile("a", tmp_path / "a.mp4")})


@pytest.mark.parametrize(
    "clip_id", ["视" * 25, "视频/" * 100, "..", "-rf", "a\x1b[31m\n", "x" * 300]
)
def test_a_clip_of_any_id_is_stored(tmp_path, clip_id):
    save(some_clip(clip_id), tmp_path, file_name="a.mp4")
    (path,) = tmp_path.iterdir()
    assert len(path.name.encode()) <= 204
    store = ClipStore(tmp_path, {clip_id: MediaFile(clip_id, tmp_path / "a.mp4")})
    assert store[clip_id].clip_id == clip_id


def test_a_clip_whose_file_was_taken_by_another_is_refused(tmp_path):
    # As on a disk that takes "A" and "a" for the same name.
    save(some_clip("A"), tmp_path, file_name="a.mp4")
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / "a.npz")
    store = ClipStore(tmp_path, {"a": MediaFile("a", tmp_path / "a.mp4")})
    with pytest.raises(ValueError, match="holds the clip A, not a"):
        store["a"]
