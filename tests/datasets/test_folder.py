"""Own clips: a folder of real videos, or a manifest."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avsync.datasets._splits import Selection
from avsync.datasets.folder import Builder
from tests.datasets.conftest import Build, Put, assert_trains_on_real_clips_only, touch, write_text

HEADER = "path,label,category,identity,split,manipulation,source_clip,fake_segments,gender"


def test_every_field_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    put("a.mp4", "new/b.mp4", "new/c.mp4")
    write_text(
        tmp_path / "mine.csv",
        HEADER,
        "a.mp4,0,,anna,train,,,,women",
        'new/b.mp4,1,FV-RA,anna,train,puppet,a.mp4,"[[0.2, 0.9], [1, 9]]",women',
        "new/c.mp4,fake,,bert,test,,,,",
    )
    built = build_dataset(Builder, tmp_path / "mine.csv")
    assert built.ids() == {"train": ["a"], "train_fake": ["new/b"], "test": ["new/c"]}
    assert built.record("a")[1:8] == (0, "RV-RA", "real", "anna", "", [], {"gender": "women"})
    b, c = map(built.record, ("new/b", "new/c"))
    assert b[1:6] == (1, "FV-RA", "puppet", "anna", "a")
    assert b.fake_segments == [[0.2, 0.9], [1, b.num_frames / 25]]
    assert c[1:6] == (1, "FV-FA", "unknown", "bert", "")
    assert c.fake_segments == [[0, c.num_frames / 25]]
    assert c.attributes == {}
    assert_trains_on_real_clips_only(built, "train_labelled", "test")


def test_a_parquet_manifest_equals_the_csv_manifest(tmp_path):
    write_text(tmp_path / "mine.csv", HEADER, "a.mp4,0,,anna,train,,,,women", "b.mp4,1,,,test,,,,")
    columns = {
        "path": ["a.mp4", "b.mp4"],
        "label": [0, 1],
        "identity": ["anna", None],
        "split": ["train", "test"],
        "gender": ["women", None],
    }
    pq.write_table(pa.table(columns), tmp_path / "mine.parquet")
    from_csv, from_parquet = (
        Builder.find_media(tmp_path / f"mine.{s}") for s in ("csv", "parquet")
    )
    assert from_csv == from_parquet


def test_all_videos_of_a_folder_are_real_and_in_train(tmp_path):
    touch(tmp_path, "b.MOV", "c/a.mp4", "c/a.txt", ".trash/a.mp4")
    media = Builder.find_media(tmp_path)
    assert [(file.clip_id, file.label, file.split) for file in media] == [
        ("b", 0, "train"),
        ("c/a", 0, "train"),
    ]


def test_files_that_differ_in_their_suffix_alone_keep_it_in_their_ids(tmp_path):
    touch(tmp_path, "a.mkv", "a.mp4", "a.mkv.mp4", "b.mkv", "c/a.ts")
    ids = ["a.mkv", "a.mkv.mp4", "a.mp4", "b", "c/a"]
    assert [file.clip_id for file in Builder.find_media(tmp_path)] == ids
    lines = ["a.mkv,0,", "a.mp4,1,a.mkv", "b.mkv,1,c/a.ts"]
    write_text(tmp_path / "mine.csv", "path,label,source_clip", *lines)
    media = Builder.find_media(tmp_path / "mine.csv")
    assert [(file.clip_id, file.source_clip) for file in media] == [
        ("a.mkv", ""),
        ("a.mp4", "a.mkv"),
        ("b", "c/a"),
    ]


def test_a_clip_list_may_name_files_with_and_without_suffix(tmp_path):
    touch(tmp_path, "a.mkv", "a.mp4", "b.mkv")
    write_text(tmp_path / "test.csv", "path,label", "a.mp4,0", "b.mkv,0")
    plan = Builder.plan(tmp_path, Selection({"test": tmp_path / "test.csv"}, "", None))
    assert sorted(plan.splits["test"]) == ["a.mp4", "b"]


def test_a_name_that_is_not_utf_8_has_an_id_that_is(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).touch()
    (file,) = Builder.find_media(tmp_path)
    assert file.clip_id == "caf%E9"
    assert file.path.exists()


def test_skipped_files_of_a_folder_are_counted_in_a_note(tmp_path):
    touch(tmp_path, "a.mp4", "README.txt", "._a.mp4")
    notes = Builder.plan(tmp_path, Selection()).notes
    assert notes[0] == f"{tmp_path}: 2 entries skipped: hidden (1), no media suffix (1)"


def test_a_manifest_that_is_not_utf_8_is_an_error(tmp_path):
    (tmp_path / "mine.csv").write_bytes(b"path,label\ncaf\xe9.mp4,0\n")
    with pytest.raises(ValueError, match=r"mine\.csv is not UTF-8 text: found the byte 0xe9"):
        Builder.find_media(tmp_path / "mine.csv")


def test_a_manifest_without_splits_is_all_test(tmp_path):
    write_text(tmp_path / "mine.csv", "path,label", "a.mp4,real", "b.mp4,fake")
    assert Builder.plan(tmp_path / "mine.csv", Selection()).splits.keys() == {"test"}


def test_ids_may_be_given_and_paths_may_be_absolute(tmp_path):
    write_text(tmp_path / "mine.csv", "path,label,clip_id", "/far/a.mp4,0,mine", "/far/b.mp4,0,")
    media = Builder.find_media(tmp_path / "mine.csv")
    assert [(file.clip_id, str(file.path)) for file in media] == [
        ("far/b", "/far/b.mp4"),
        ("mine", "/far/a.mp4"),
    ]


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("path,lable", "a.mp4,0", "unknown column: 'label'; did you mean 'lable'"),
        ("path,label", "a.mp4,2", "row 2: unknown label: '2'"),
        ("path,label", ",0", "row 2: path is empty"),
        ("path,label,category", "a.mp4,1,FVRA", "row 2: unknown category: 'FVRA'"),
        ("path,label,category", "a.mp4,0,FV-RA", "row 2: label 0 and category FV-RA disagree"),
        ("path,label,split", "a.mp4,0,dev", "row 2: unknown split: 'dev'"),
        (
            "path,label,fake_segments",
            'a.mp4,1,"[1, 2]"',
            "row 2: expected segments as pairs of seconds",
        ),
        ("path,label", "a.mp4,0,anna", "line 2: more values than the 2 columns path, label"),
    ],
)
def test_an_error_in_a_manifest_names_its_row(tmp_path, header, line, message):
    write_text(tmp_path / "mine.csv", header, line)
    with pytest.raises(ValueError, match=rf"mine\.csv.*{message}"):
        Builder.find_media(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine.csv", "path,label", "no clips in .*mine.csv.*no rows"),
        ("mine.parquet", "path,label", "mine.parquet is not a Parquet file"),
        (
            "mine.tsv",
            "path\tlabel",
            r"expected a folder of real videos, or a manifest .*a \.tsv file",
        ),
        ("reals/readme", "none", r"no clips in .*: expected a folder of real videos.*found readme"),
    ],
)
def test_a_source_that_is_not_a_manifest_is_an_error(tmp_path, name, text, message):
    write_text(tmp_path / name, text)
    source = tmp_path / name.partition("/")[0]
    with pytest.raises(ValueError, match=message):
        Builder.find_media(source)


def test_a_missing_column_of_a_parquet_manifest_is_an_error(tmp_path):
    pq.write_table(pa.table({"path": ["a.mp4"]}), tmp_path / "mine.parquet")
    with pytest.raises(ValueError, match=r"mine\.parquet: unknown column: 'label'.*Known: path"):
        Builder.find_media(tmp_path / "mine.parquet")
