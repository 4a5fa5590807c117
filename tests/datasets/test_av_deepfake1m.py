"""AV-Deepfake1M and AV-Deepfake1M++: labels, listed paths, and files that are not read."""

from pathlib import Path
from typing import Any

import pytest

from avsync.datasets import av_deepfake1m, av_deepfake1m_pp
from avsync.datasets._splits import Selection
from avsync.datasets.av_deepfake1m import Builder
from tests.datasets.conftest import (
    Build,
    Put,
    assert_trains_on_real_clips_only,
    touch,
    write_json,
    write_text,
)

CLIP = "id00012/21Uxsk56VDQ/00001"


def item(kind: str, *, clip: str = CLIP, **changes: Any) -> dict[str, Any]:
    """An item of the metadata: of `real`, `real_video_fake_audio` and so on."""
    modify_type = {
        "real": "real",
        "real_video_fake_audio": "audio_modified",
        "fake_video_real_audio": "visual_modified",
        "fake_video_fake_audio": "both_modified",
    }[kind]
    is_real = kind == "real"
    return {
        "file": f"{clip}/{kind}.mp4",
        "original": None if is_real else f"{clip}/real.mp4",
        "split": "train",
        "modify_type": modify_type,
        "audio_model": None if is_real else "vits",
        "fake_segments": [] if is_real else [[0.4, 1.2]],
        "audio_fake_segments": [],
        "visual_fake_segments": [],
        "video_frames": 75,
        "audio_frames": 48_000,
        **changes,
    }


def test_every_field_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    other, held = "id00099/abcdefghijk/00003", "id00200/lmnopqrstuv/00004"
    train = [item("real", original="dev/mp4/id00012/21Uxsk56VDQ/00001.mp4")]
    train += [item("fake_video_fake_audio", fake_segments=[[0.4, 1.2], [2.5, 99]])]
    write_json(tmp_path / "train_metadata.json", train)
    val = [item("real", clip=other), item("real_video_fake_audio", clip=held)]
    write_json(tmp_path / "val_metadata.json", val)
    put(*(f"train/{entry['file']}" for entry in train), *(f"val/{entry['file']}" for entry in val))
    built = build_dataset(Builder, tmp_path)
    assert built.ids() == {
        "train": [f"train/{CLIP}/real"],
        "train_fake": [f"train/{CLIP}/fake_video_fake_audio"],
        "val": [f"val/{other}/real"],
        "val_fake": [f"val/{held}/real_video_fake_audio"],
    }
    real, fake = built.records["train"][0], built.records["train_fake"][0]
    assert real[1:7] == (0, "RV-RA", "real", "id00012", "", [])
    assert real.attributes == {
        "source_video": "id00012/21Uxsk56VDQ",
        "split": "train",
        "original": "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
    }
    assert fake[1:6] == (1, "FV-FA", "both_modified", "id00012", f"train/{CLIP}/real")
    assert fake.fake_segments == [[0.4, 1.2], [2.5, fake.num_frames / 25]]
    assert fake.attributes["audio_model"] == "vits"
    assert_trains_on_real_clips_only(built, "train_labelled", "train+train_fake", "val_labelled")
    assert built.open("val").is_real_only


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("real", "RV-RA"),
        ("real_video_fake_audio", "RV-FA"),
        ("fake_video_real_audio", "FV-RA"),
        ("fake_video_fake_audio", "FV-FA"),
    ],
)
def test_modify_type_gives_the_category_not_the_segments(tmp_path, kind, category):
    # 6,160 items carry the segments of the stream that was not modified.
    wrong = {"audio_fake_segments": [[0.4, 1.2]], "visual_fake_segments": [[0.1, 0.2]]}
    write_json(tmp_path / "train_metadata.json", [item(kind, **wrong)])
    (file,) = Builder.find_media(tmp_path)
    assert file.category == category
    assert file.fake_segments == (() if kind == "real" else ((0.4, 1.2),))


def test_both_modified_may_be_written_with_a_hyphen(tmp_path):
    items = [item("fake_video_fake_audio", modify_type="both-modified")]
    write_json(tmp_path / "train_metadata.json", items)
    (file,) = Builder.find_media(tmp_path)
    assert (file.category, file.manipulation) == ("FV-FA", "both_modified")


def test_the_original_of_a_real_clip_is_not_a_source_clip(tmp_path):
    items = [item("real", original="id00012/21Uxsk56VDQ/00001.mp4")]
    write_json(tmp_path / "train_metadata.json", items)
    (file,) = Builder.find_media(tmp_path)
    assert file.source_clip == ""
    assert file.attributes["original"] == "id00012/21Uxsk56VDQ/00001.mp4"


def test_nothing_is_written_into_the_dataset(tmp_path):
    write_json(tmp_path / "train_metadata.json", [item("real")])
    touch(tmp_path, f"train_metadata/{CLIP}/real.json", f"train/{CLIP}/real.mp4")
    before = sorted(tmp_path.rglob("*"))
    Builder.find_media(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_unlabelled_test_set_is_not_read(tmp_path):
    write_json(tmp_path / "train_metadata.json", [item("real")])
    touch(tmp_path, "test/000001.mp4", "test_files.txt")
    assert [file.split for file in Builder.find_media(tmp_path)] == ["train"]


def test_a_listed_path_is_found_in_either_split(tmp_path):
    write_json(tmp_path / "train_metadata.json", [item("real"), item("real_video_fake_audio")])
    write_json(tmp_path / "val_metadata.json", [item("fake_video_real_audio")])
    lines = (f"{CLIP}/real.mp4,0", f"val/{CLIP}/fake_video_real_audio.mp4,1")
    write_text(tmp_path / "test.csv", "path,label", *lines)
    plan = Builder.plan(tmp_path, Selection({"test": tmp_path / "test.csv"}))
    found = [f"train/{CLIP}/real", f"val/{CLIP}/fake_video_real_audio"]
    assert sorted(plan.splits["test"]) == found
    assert [file.clip_id for file in plan.media] == found


def test_a_listed_path_in_both_splits_is_ambiguous(tmp_path):
    for split in ("train", "val"):
        write_json(tmp_path / f"{split}_metadata.json", [item("real")])
    write_text(tmp_path / "test.csv", "path,label", f"{CLIP}/real.mp4,0")
    with pytest.raises(
        ValueError, match=rf"is ambiguous: train/{CLIP}/real or val/{CLIP}/real; write"
    ):
        Builder.plan(tmp_path, Selection({"test": tmp_path / "test.csv"}))


def test_paths_of_plusplus_start_with_the_source_corpus(tmp_path):
    items = [item("real", clip=f"vox_celeb_2/{CLIP}"), item("real", clip="lrs3/aBcDe/00004")]
    write_json(tmp_path / "train_metadata.json", items)
    touch(tmp_path, f"train/vox_celeb_2/{CLIP}/real.json", "testA_files.txt")
    other, celebrity = av_deepfake1m_pp.Builder.find_media(tmp_path)
    assert celebrity.clip_id == f"train/vox_celeb_2/{CLIP}/real"
    assert celebrity.path == tmp_path / f"train/vox_celeb_2/{CLIP}/real.mp4"
    assert celebrity.identity == "id00012"
    assert celebrity.attributes["source_video"] == "vox_celeb_2/id00012/21Uxsk56VDQ"
    assert other.identity == other.attributes["source_video"] == "lrs3/aBcDe"


def test_a_split_without_metadata_is_an_error(tmp_path):
    write_json(tmp_path / "train_metadata.json", [item("real")])
    touch(tmp_path, "val/id1/a/00001/real.mp4")
    with pytest.raises(
        ValueError, match=r"file not found: .*val_metadata\.json; .* found in .*: train_met"
    ):
        Builder.find_media(tmp_path)


@pytest.mark.parametrize("module", [av_deepfake1m, av_deepfake1m_pp])
def test_a_wrong_root_is_an_error_with_the_expected_layout(tmp_path, module):
    touch(tmp_path, "metadata.json", "train/1.mp4")
    expected = r"expected AV-Deepfake1M.*train_metadata\.json.*; found metadata\.json, train/"
    with pytest.raises(ValueError, match=expected):
        module.Builder.find_media(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modify_type": "lips_modified"}, "row 0: unknown modify_type: 'lips_modified'"),
        ({"fake_segments": [[1.2]]}, r"row 0: expected segments as pairs .*, got \[\[1\.2\]\]"),
        ({"fake_segments": [[1.2, 0.4]]}, r"row 0: invalid segment \[1\.2, 0\.4\] in seconds"),
        ({"file": "real.mp4"}, "row 0: expected a file such as id00012/.*, got 'real.mp4'"),
    ],
)
def test_an_invalid_item_is_an_error_with_its_number(tmp_path, change, message):
    write_json(tmp_path / "train_metadata.json", [item("fake_video_fake_audio", **change)])
    with pytest.raises(ValueError, match=rf"train_metadata\.json, {message}"):
        Builder.find_media(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"file": "a"}]', "item 0: unknown key: 'original'.* Known: file"),
        ('{"file": "a"}', "expected a JSON list of objects, found none"),
        ("[1]", "item 0: expected an object, found 1"),
        ('[{"file": ', "invalid JSON after item 0"),
    ],
)
def test_metadata_in_another_format_is_an_error(tmp_path, text, message):
    write_text(tmp_path / "train_metadata.json", text)
    with pytest.raises(ValueError, match=rf"train_metadata\.json.*{message}"):
        Builder.find_media(tmp_path)
