"""AVLips: two folders with the same file names, and a third that is not read."""

from pathlib import Path

import pytest

from avsync.datasets.avlips import Builder
from tests.datasets.conftest import Build, Put, touch


def test_every_field_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    put("AVLips/0_real/0.mp4", "AVLips/1_fake/0.mp4")
    touch(tmp_path, "AVLips/wav/0_real/0.wav", "AVLips/wav/1_fake/0.wav")
    built = build_dataset(Builder, tmp_path)
    assert built.ids() == {"test": ["0_real/0", "1_fake/0"]}
    real, fake = map(built.record, ("0_real/0", "1_fake/0"))
    assert real[1:8] == (0, "RV-RA", "real", "", "", [], {})
    whole = [[0, fake.num_frames / 25]]
    assert fake[1:8] == (1, "FV-RA", "lip_sync", "", "", whole, {})
    assert not built.open("test").is_real_only


def test_equal_names_in_both_folders_are_two_clips(tmp_path):
    touch(tmp_path, "0_real/7.mp4", "1_fake/7.mp4", "1_fake/._7.mp4")
    assert [file.clip_id for file in Builder.find_media(tmp_path)] == ["0_real/7", "1_fake/7"]


def test_a_missing_folder_is_an_error(tmp_path):
    touch(tmp_path, "0_real/1.mp4", "1_fake/1.avi")
    with pytest.raises(ValueError, match=r"1_fake: expected AVLips.*1_fake/<N>\.mp4; found 1\.avi"):
        Builder.find_media(tmp_path)


def test_a_wrong_root_is_an_error(tmp_path):
    touch(tmp_path, "real/1.mp4", "fake/1.mp4")
    with pytest.raises(ValueError, match=r"expected AVLips, with 0_real/.*; found fake/, real/"):
        Builder.find_media(tmp_path)
