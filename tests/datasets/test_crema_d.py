"""CREMA-D: files found, actors held out, and files that cannot become clips."""

from pathlib import Path

import pytest

from avsync.datasets import crema_d
from avsync.datasets._splits import Selection
from avsync.media.rejects import Reject
from avsync.preparation.clips import prepare_clip
from tests.datasets.conftest import Build, assert_trains_on_real_clips_only, touch, write_text
from tests.open_corpora import grid_clips, write_crema_d

HEADER = '"ActorID","Age","Sex","Race","Ethnicity"'


def videos(*stems: str) -> list[str]:
    return [f"VideoFlash/{stem}.flv" for stem in stems]


@pytest.mark.grid
def test_every_field_is_stored_of_flash_videos(
    tmp_path: Path, testdata: Path, build_dataset: Build
):
    stems = ("1001_DFA_ANG_XX", "1015_IEO_SAD_HI", "1020_MTI_NEU_XX")
    for clip, file in zip(grid_clips(testdata), videos(*stems), strict=False):
        write_crema_d(clip, tmp_path / "CREMA-D" / file)
    people = '1001,51,"Male","Caucasian","Not Hispanic"', '1020,61,"Female","Asian","Hispanic"'
    write_text(tmp_path / "CREMA-D" / "VideoDemographics.csv", HEADER, *people)
    built = build_dataset(crema_d.Builder, tmp_path)
    assert built.ids() == {"train": [stems[0]], "val": [stems[1]], "test": [stems[2]]}
    said = {"sentence": "DFA", "emotion": "ANG", "level": "XX"}
    known = {"age": "51", "sex": "Male", "race": "Caucasian", "ethnicity": "Not Hispanic"}
    record = built.record(stems[0])
    assert record[1:8] == (0, "RV-RA", "real", "1001", "", [], said | known)
    assert record.num_frames >= 74  # 3 s at 25 fps, of 29.97
    assert "age" not in built.record(stems[1]).attributes
    assert_trains_on_real_clips_only(built)


def test_actors_are_divided_by_their_number(tmp_path):
    touch(tmp_path, *videos(*(f"{actor}_DFA_ANG_XX" for actor in range(1001, 1092))))
    plan = crema_d.Builder.plan(tmp_path, Selection())
    assert {split: len(ids) for split, ids in plan.splits.items()} == {
        "train": 73,
        "val": 9,
        "test": 9,
    }
    assert {clip[3] for clip in plan.splits["test"]} == {"0"}
    assert {clip[3] for clip in plan.splits["val"]} == {"5"}


@pytest.mark.parametrize("actors", [(1001,), (1010, 1020), range(1001, 1092)])
def test_an_actor_is_in_the_same_split_of_an_incomplete_copy(tmp_path, actors):
    touch(tmp_path, *videos(*(f"{actor}_DFA_ANG_XX" for actor in actors)))
    split_of = {file.identity: file.split for file in crema_d.Builder.find_media(tmp_path)}
    assert split_of == {
        str(actor): {0: "test", 5: "val"}.get(actor % 10, "train") for actor in actors
    }


@pytest.mark.grid
def test_a_clip_without_sound_is_rejected_with_the_reason(tmp_path, testdata, detector):
    broken = tmp_path / "VideoFlash" / "1076_MTI_SAD_XX.flv"
    write_crema_d(grid_clips(testdata)[0], broken, sound=False)
    (file,) = crema_d.Builder.find_media(tmp_path)
    with pytest.raises(Reject, match="no_audio: the file has no audio stream"):
        prepare_clip(file, detector=detector)


def test_the_level_of_one_published_name_is_a_single_letter(tmp_path):
    touch(tmp_path, *videos("1040_ITH_SAD_X"))
    (file,) = crema_d.Builder.find_media(tmp_path)
    assert file.attributes == {"sentence": "ITH", "emotion": "SAD", "level": "X"}


def test_files_that_git_lfs_has_not_fetched_are_an_error(tmp_path):
    pointer = tmp_path / videos("1001_DFA_ANG_XX")[0]
    write_text(pointer, "version https://git-lfs.github.com/spec/v1", "oid sha256:0", "size 1")
    with pytest.raises(
        ValueError, match=r"pointer to one: run `git lfs install` and `git lfs pull"
    ):
        crema_d.Builder.find_media(tmp_path)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("AudioWAV/1001_DFA_ANG_XX.wav", r"expected CREMA-D, .*; found AudioWAV/"),
        ("VideoFlash/1001_DFA_ANG_XX.wav", r"no videos in .*; found 1001_DFA_ANG_XX\.wav"),
        ("VideoFlash/1001_DFA.flv", r"1001_DFA\.flv: expected a name such as"),
    ],
)
def test_an_unexpected_layout_is_an_error(tmp_path, file, message):
    touch(tmp_path, file)
    with pytest.raises(ValueError, match=message):
        crema_d.Builder.find_media(tmp_path)


def test_demographics_with_other_columns_are_an_error(tmp_path):
    touch(tmp_path, *videos("1001_DFA_ANG_XX"))
    write_text(tmp_path / "VideoDemographics.csv", "ActorID,Age", "1001,51")
    with pytest.raises(ValueError, match=r"VideoDemographics\.csv: unknown column: 'Sex'"):
        crema_d.Builder.find_media(tmp_path)
