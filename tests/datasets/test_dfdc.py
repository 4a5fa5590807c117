"""DFDC: missing parts, and a test set with other metadata."""

from pathlib import Path

import pytest

from avsync.datasets._splits import Selection
from avsync.datasets.dfdc import Builder
from tests.datasets.conftest import (
    Build,
    Put,
    assert_trains_on_real_clips_only,
    touch,
    write_json,
    write_text,
)

PART = "dfdc_train_part_0"

REAL = {"label": "REAL", "split": "train"}


def fake(original: str) -> dict[str, str]:
    return {"label": "FAKE", "split": "train", "original": original}


def test_every_field_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    items = {"aaa.mp4": REAL, "bbb.mp4": fake("aaa.mp4"), "ccc.mp4": REAL}
    write_json(tmp_path / PART / "metadata.json", items)
    write_text(tmp_path / "test" / "labels.csv", "filename,label", "ddd.mp4,1")
    put(*(f"{PART}/{name}" for name in items), "test/ddd.mp4")
    built = build_dataset(Builder, tmp_path)
    real, forged = map(built.record, (f"{PART}/aaa", f"{PART}/bbb"))
    assert real[1:8] == (0, "RV-RA", "real", "", "", [], {"split": "train"})
    whole = [[0, forged.num_frames / 25]]
    assert forged[1:8] == (1, "FV-RA", "dfdc", "", f"{PART}/aaa", whole, {"split": "train"})
    assert built.record("test/ddd")[1:3] == (1, "FV-RA")
    assert_trains_on_real_clips_only(built, "test")


def test_a_fake_is_held_out_together_with_its_source_clip(tmp_path):
    items = {f"r{n}.mp4": REAL for n in range(20)}
    items |= {f"f{n}.mp4": fake(f"r{n}.mp4") for n in range(20)}
    write_json(tmp_path / PART / "metadata.json", items)
    splits = Builder.plan(tmp_path, Selection()).splits
    (held_out,) = splits["val"]
    assert splits["val_fake"] == [held_out.replace("/r", "/f")]


def test_the_source_clip_may_be_in_another_part_or_missing(tmp_path):
    write_json(tmp_path / PART / "metadata.json", {"a.mp4": fake("b.mp4"), "c.mp4": fake("d.mp4")})
    write_json(tmp_path / "dfdc_train_part_1" / "metadata.json", {"b.mp4": REAL})
    media = {file.clip_id: file.source_clip for file in Builder.find_media(tmp_path)}
    assert media == {
        f"{PART}/a": "dfdc_train_part_1/b",
        f"{PART}/c": "",
        "dfdc_train_part_1/b": "",
    }


def test_a_single_part_is_enough(tmp_path):
    write_json(tmp_path / PART / "metadata.json", {"a.mp4": REAL})
    (file,) = Builder.find_media(tmp_path / PART)
    assert (file.clip_id, file.path) == (f"{PART}/a", tmp_path / PART / "a.mp4")


def test_the_metadata_of_the_test_set_is_not_read_as_a_train_part(tmp_path):
    write_json(tmp_path / "test" / "metadata.json", {"a.mp4": {"augmentations": {}}})
    write_text(tmp_path / "test" / "labels.csv", "filename,label", "a.mp4,0")
    touch(tmp_path, "test/videos/a.mp4")
    (file,) = Builder.find_media(tmp_path)
    assert (file.split, file.label) == ("test", 0)
    assert file.path == tmp_path / "test" / "videos" / "a.mp4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a.mp4": {"label": "REALLY"}}', "row 0: unknown label: 'really'; did you mean 'real'"),
        ('{"a.mp4": {"split": "train"}}', "row 0: a.mp4 has no label; its keys are: split"),
        ('[{"file": "a.mp4"}]', r'expected \{"x.mp4": \{"label": "FAKE"'),
        ("{", "is not valid JSON"),
    ],
)
def test_invalid_metadata_is_an_error(tmp_path, text, message):
    write_text(tmp_path / PART / "metadata.json", text)
    with pytest.raises(ValueError, match=rf"metadata\.json.*{message}"):
        Builder.find_media(tmp_path)


def test_a_wrong_root_is_an_error(tmp_path):
    touch(tmp_path, "a.mp4")
    with pytest.raises(ValueError, match=r"expected DFDC, with .*; found a\.mp4"):
        Builder.find_media(tmp_path)
