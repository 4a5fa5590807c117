"""VoxCeleb2, LRS3 and LRS2, corpora of real clips: files found, and speakers held out."""

from pathlib import Path

import pytest

from avsync.datasets import lrs2, lrs3, voxceleb2
from avsync.datasets._splits import Selection
from tests.datasets.conftest import Build, Put, assert_trains_on_real_clips_only, touch, write_text

DIGITS = "6330311066473698535"

EVERYTHING = Selection()


def test_every_field_of_voxceleb2_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    names = ("dev/mp4/id00012/21Uxsk56VDQ/00001", "dev/mp4/id00015/abc/00002")
    test = "test/mp4/id00017/5MkXgwdrmJw/00001"
    put(*(f"{name}.mp4" for name in (*names, test)))
    touch(tmp_path, "dev/aac/id00012/21Uxsk56VDQ/00001.m4a")
    built = build_dataset(voxceleb2.Builder, tmp_path)
    assert built.ids()["test"] == [test]
    assert sorted(built.ids()["train"] + built.ids()["val"]) == list(names)
    attributes = {"source_video": "id00012/21Uxsk56VDQ", "split": "dev"}
    assert built.record(names[0])[1:8] == (0, "RV-RA", "real", "id00012", "", [], attributes)
    assert_trains_on_real_clips_only(built)


def test_every_field_of_lrs3_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    names = ("pretrain/0Fi83BHQsMA/00001", "trainval/0akiEFwtkyA/50001", "test/00j9bKdiOjk/00001")
    put(*(f"{name}.mp4" for name in names))
    touch(tmp_path, *(f"{name}.txt" for name in names))
    built = build_dataset(lrs3.Builder, tmp_path)
    assert sorted(built.ids()["train"] + built.ids()["val"]) == list(names[:2])
    assert built.ids()["test"] == [names[2]]
    attributes = {"source_video": "0Fi83BHQsMA", "split": "pretrain"}
    assert built.record(names[0])[1:8] == (0, "RV-RA", "real", "", "", [], attributes)
    assert_trains_on_real_clips_only(built)


def test_every_field_of_lrs2_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    root = tmp_path / "mvlrs_v1"
    put(f"mvlrs_v1/main/{DIGITS}/00001.mp4", f"mvlrs_v1/main/{DIGITS}/00002.mp4")
    write_text(root / "train.txt", f"{DIGITS}/00001")
    write_text(root / "val.txt", "")
    write_text(root / "test.txt", f"{DIGITS}/00002 NF")
    built = build_dataset(lrs2.Builder, tmp_path)
    assert built.ids() == {"train": [f"main/{DIGITS}/00001"], "test": [f"main/{DIGITS}/00002"]}
    attributes = {"source_video": DIGITS, "split": "test"}
    record = built.record(f"main/{DIGITS}/00002")
    assert record[1:8] == (0, "RV-RA", "real", "", "", [], attributes)
    assert_trains_on_real_clips_only(built)


def test_whole_speakers_of_voxceleb2_are_held_out_for_validation(tmp_path):
    people = [f"id{number:05}" for number in range(100)]
    touch(tmp_path, *(f"dev/mp4/{who}/v/0000{n}.mp4" for who in people for n in (1, 2)))
    plan = voxceleb2.Builder.plan(tmp_path, EVERYTHING)
    held_out = {clip_id.split("/")[2] for clip_id in plan.splits["val"]}
    assert {split: len(ids) for split, ids in plan.splits.items()} == {"train": 196, "val": 4}
    assert not held_out & {clip_id.split("/")[2] for clip_id in plan.splits["train"]}
    assert "val: 4 clips of 2 speakers held out of train" in plan.notes


def test_no_talk_of_lrs3_is_in_both_train_and_val(tmp_path):
    talks = [f"talk{number}" for number in range(10)]
    touch(tmp_path, *(f"{part}/{t}/00001.mp4" for t in talks for part in ("pretrain", "trainval")))
    plan = lrs3.Builder.plan(tmp_path, EVERYTHING)
    held_out, trained_on = (
        {clip_id.split("/")[1] for clip_id in plan.splits[split]} for split in ("val", "train")
    )
    assert (len(held_out), len(trained_on)) == (1, 9)
    assert not held_out & trained_on


def test_the_same_talk_and_number_in_two_splits_of_lrs3_are_two_clips(tmp_path):
    touch(tmp_path, "pretrain/talk/00001.mp4", "trainval/talk/00001.mp4")
    ids = [file.clip_id for file in lrs3.Builder.find_media(tmp_path)]
    assert ids == ["pretrain/talk/00001", "trainval/talk/00001"]


def test_the_lists_of_lrs2_may_be_beside_mvlrs_v1(tmp_path):
    touch(tmp_path, f"mvlrs_v1/main/{DIGITS}/00001.mp4", "mvlrs_v1/pretrain/1/00001.mp4")
    for name in ("train", "val", "test", "pretrain"):
        write_text(tmp_path / f"{name}.txt", f"{DIGITS}/0000{len(name)}")
    media = lrs2.Builder.find_media(tmp_path)
    assert [(file.clip_id.replace(DIGITS, "_"), file.split) for file in media] == [
        ("main/_/00003", "val"),
        ("main/_/00004", "test"),
        ("main/_/00005", "train"),
        ("pretrain/_/00008", "train"),
    ]
    assert media[0].path == tmp_path / "mvlrs_v1" / "main" / DIGITS / "00003.mp4"


def test_a_missing_list_of_lrs2_is_an_error(tmp_path):
    touch(tmp_path, f"mvlrs_v1/main/{DIGITS}/00001.mp4", "mvlrs_v1/train.txt")
    with pytest.raises(
        ValueError, match=r"val\.txt not found: expected LRS2.*; found in .*: main/, train"
    ):
        lrs2.Builder.find_media(tmp_path)


def test_an_invalid_line_in_a_list_of_lrs2_is_an_error(tmp_path):
    touch(tmp_path, f"main/{DIGITS}/00001.mp4")
    write_text(tmp_path / "train.txt", f"{DIGITS}/00001", "", "readme")
    with pytest.raises(ValueError, match=r"train\.txt, line 3: expected .*, found 'readme'"):
        lrs2.Builder.find_media(tmp_path)


@pytest.mark.parametrize(
    ("module", "file", "message"),
    [
        (voxceleb2, "mp4/id00012/a/00001.mp4", r"expected VoxCeleb2, .*; found mp4/"),
        (
            voxceleb2,
            "dev/mp4/id00012/a/00001.m4a",
            r"no videos in .*: expected VoxCeleb2.*dev: mp4/",
        ),
        (voxceleb2, "dev/mp4/id00012/00001.mp4", r"id00012/00001\.mp4: expected VoxCeleb2"),
        (lrs3, "dev/a/00001.mp4", r"expected LRS3, .*; found dev/"),
        (lrs3, "test/00001.mp4", r"test/00001\.mp4: expected LRS3"),
        (lrs3, "test/a/00001.txt", r"no videos in .*: expected LRS3.*test: a/"),
        (lrs2, "mvlrs/test.txt", r"expected LRS2, .*; found mvlrs/"),
    ],
)
def test_an_unexpected_layout_is_an_error(tmp_path, module, file, message):
    touch(tmp_path, file)
    with pytest.raises(ValueError, match=message):
        module.Builder.find_media(tmp_path)


def test_a_missing_source_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"directory not found: .*nowhere; expected VoxCeleb2"):
        voxceleb2.Builder.find_media(tmp_path / "nowhere")


def test_two_copies_in_one_folder_are_an_error(tmp_path):
    touch(tmp_path, "old/test/a/00001.mp4", "new/test/a/00001.mp4")
    with pytest.raises(ValueError, match=r"holds several datasets: new, old; give one"):
        lrs3.Builder.find_media(tmp_path)


def test_files_that_macos_adds_are_ignored(tmp_path):
    touch(tmp_path, "test/a/00001.mp4", "test/a/._00001.mp4", "test/__MACOSX/a/00001.mp4")
    assert [file.clip_id for file in lrs3.Builder.find_media(tmp_path)] == ["test/a/00001"]
