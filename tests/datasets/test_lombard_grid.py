"""Lombard Grid: videos from the front, their sound in files of its own, talkers held out."""

from pathlib import Path

import numpy as np
import pytest

from avsync.datasets import lombard_grid
from avsync.datasets._splits import Selection
from avsync.media.rejects import Reject
from avsync.preparation.clips import prepare_clip
from avsync.types import MediaFile
from tests.datasets.conftest import Build, assert_trains_on_real_clips_only, touch
from tests.open_corpora import grid_clips, write_lombard_grid


@pytest.mark.grid
def test_every_field_is_stored_with_the_sound_of_another_file(
    tmp_path: Path, testdata: Path, build_dataset: Build
):
    stems = ("s2_l_bbim3a", "s15_p_bgit7n", "s50_p_lgab3s_WRONG_lgaf3s")
    for clip, stem in zip(grid_clips(testdata), stems, strict=False):
        write_lombard_grid(clip, tmp_path / "lombardgrid", stem)
    built = build_dataset(lombard_grid.Builder, tmp_path)
    assert built.ids() == {"train": [stems[0]], "val": [stems[1]], "test": [stems[2]]}
    attributes = {"condition": "lombard", "sentence": "bbim3a"}
    assert built.record(stems[0])[1:8] == (0, "RV-RA", "real", "s2", "", [], attributes)
    wrong = {"condition": "plain", "sentence": "lgaf3s"}
    assert built.record(stems[2]).attributes == wrong
    assert_trains_on_real_clips_only(built)


@pytest.mark.grid
def test_a_clip_of_two_files_is_the_same_as_of_one(tmp_path, testdata, detector):
    original = grid_clips(testdata)[0]
    write_lombard_grid(original, tmp_path, "s2_l_bbim3a")
    (file,) = lombard_grid.Builder.find_media(tmp_path)
    two = prepare_clip(file, detector=detector)
    one = prepare_clip(MediaFile("one", original), detector=detector)
    np.testing.assert_array_equal(two.frames, one.frames)
    np.testing.assert_allclose(two.waveform, one.waveform, atol=1)  # of 32,768, by rounding


@pytest.mark.grid
def test_a_clip_without_sound_anywhere_is_rejected_with_the_reason(tmp_path, testdata, detector):
    write_lombard_grid(grid_clips(testdata)[0], tmp_path, "s2_l_bbim3a")
    (tmp_path / "audio" / "s2_l_bbim3a.wav").unlink()
    (file,) = lombard_grid.Builder.find_media(tmp_path)
    assert file.sound is None
    with pytest.raises(Reject, match="no_audio: the file has no audio stream"):
        prepare_clip(file, detector=detector)


@pytest.mark.parametrize(
    ("video", "sound"),
    [
        ("front/s2_l_bbim3a.mov", "audio/s2_l_bbim3a.wav"),
        ("lombardgrid/front/s2_l_bbim3a.mov", "lombardgrid/audio/s2_l_bbim3a.wav"),
        (
            "lombardgrid_front/lombardgrid/front/s2_l_bbim3a.mov",
            "lombardgrid_audio/lombardgrid/audio/s2_l_bbim3a.wav",
        ),
    ],
)
def test_archives_may_be_unpacked_together_or_each_by_itself(tmp_path, video, sound):
    touch(tmp_path, video, sound, "lombardgrid/side/s2_l_bbim3a.mov")
    (file,) = lombard_grid.Builder.find_media(tmp_path)
    assert (file.path, file.sound) == (tmp_path / video, tmp_path / sound)


def test_talkers_are_divided_by_their_number(tmp_path):
    touch(tmp_path, *(f"front/s{talker}_l_bbim3a.mov" for talker in range(2, 56)))
    plan = lombard_grid.Builder.plan(tmp_path, Selection())
    talkers = {s: sorted(int(clip.split("_")[0][1:]) for clip in c) for s, c in plan.splits.items()}
    assert talkers["test"] == [10, 20, 30, 40, 50]
    assert talkers["val"] == [5, 15, 25, 35, 45, 55]
    assert len(talkers["train"]) == 43


def test_clips_without_speech_are_left_out(tmp_path):
    touch(tmp_path, "front/s2_l_bbim3a.mov", "front/s27_l_bah2s_WRONG_#sil.mov")
    assert [file.clip_id for file in lombard_grid.Builder.find_media(tmp_path)] == ["s2_l_bbim3a"]


def test_a_clip_found_twice_is_an_error(tmp_path):
    touch(tmp_path, "a/front/s2_l_bbim3a.mov", "b/front/s2_l_bbim3a.mov")
    with pytest.raises(ValueError, match="the same clip id 's2_l_bbim3a'"):
        lombard_grid.Builder.plan(tmp_path, Selection())


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("side/s2_l_bbim3a.mov", r"no videos in .*: expected Lombard Grid, .*; found side/"),
        ("front/bbim3a.mov", r"bbim3a\.mov: expected a name such as s2_l_bbim3a\.mov"),
    ],
)
def test_an_unexpected_layout_is_an_error(tmp_path, file, message):
    touch(tmp_path, file)
    with pytest.raises(ValueError, match=message):
        lombard_grid.Builder.find_media(tmp_path)


def test_a_missing_source_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"directory not found: .*; expected Lombard Grid"):
        lombard_grid.Builder.find_media(tmp_path / "nowhere")
