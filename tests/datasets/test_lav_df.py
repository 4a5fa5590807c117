"""LAV-DF: two metadata formats, fake periods, and `dev` as val."""

from pathlib import Path
from typing import Any

import pytest

from avsync.datasets.lav_df import Builder
from tests.datasets.conftest import (
    Build,
    Put,
    assert_trains_on_real_clips_only,
    touch,
    write_json,
)


def item(file: str, *, video: bool = False, audio: bool = False, **changes: Any) -> dict[str, Any]:
    """An item of metadata.min.json; `video` and `audio`: whether the stream is modified."""
    is_fake = video or audio
    return {
        "file": file,
        "n_fakes": int(is_fake),
        "fake_periods": [[0.5, 1.5]] if is_fake else [],
        "duration": 3.0,
        "original": "train/000001.mp4" if is_fake else None,
        "modify_video": video,
        "modify_audio": audio,
        "split": file.split("/")[0],
        "video_frames": 75,
        "audio_channels": 1,
        "audio_frames": 48_000,
        **changes,
    }


ITEMS = [
    item("train/000001.mp4"),
    item("train/000002.mp4", audio=True),
    item("dev/000003.mp4"),
    item("test/000004.mp4", video=True, audio=True),
]


def test_every_field_is_stored(tmp_path: Path, put: Put, build_dataset: Build):
    write_json(tmp_path / "metadata.min.json", ITEMS)
    put(*(entry["file"] for entry in ITEMS))
    built = build_dataset(Builder, tmp_path)
    assert built.ids() == {
        "train": ["train/000001"],
        "train_fake": ["train/000002"],
        "val": ["dev/000003"],
        "test": ["test/000004"],
    }
    assert built.record("dev/000003")[1:8] == (0, "RV-RA", "real", "", "", [], {"split": "dev"})
    fake = (1, "RV-FA", "audio_modified", "", "train/000001", [[0.5, 1.5]], {"split": "train"})
    assert built.record("train/000002")[1:8] == fake
    assert built.record("test/000004")[1:4] == (1, "FV-FA", "both_modified")
    assert_trains_on_real_clips_only(built, "train_labelled", "train+train_fake", "test")


def test_the_metadata_with_words_gives_the_same_files(tmp_path):
    write_json(tmp_path / "min" / "metadata.min.json", ITEMS)
    words = [{**entry, "timestamps": [["a", 0.0, 0.2]], "transcript": "a"} for entry in ITEMS]
    write_json(tmp_path / "full" / "metadata.json", words)
    folders = (tmp_path / "min", tmp_path / "full")
    short, full = ([f._replace(path=f.path.name) for f in Builder.find_media(d)] for d in folders)
    assert short == full


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_fakes": 1}, "row 0: train/000001.mp4: n_fakes 1 contradicts modify_video False"),
        (
            {"modify_audio": True},
            "row 0: train/000001.mp4: n_fakes 0 contradicts .* modify_audio True",
        ),
        ({"split": "valid"}, "row 0: unknown split: 'valid'.* Known: dev, test, train"),
    ],
)
def test_a_contradictory_item_is_an_error(tmp_path, change, message):
    write_json(tmp_path / "metadata.json", [item("train/000001.mp4", **change)])
    with pytest.raises(ValueError, match=rf"metadata\.json, {message}"):
        Builder.find_media(tmp_path)


def test_a_renamed_key_is_an_error(tmp_path):
    renamed = [{"periods" if k == "fake_periods" else k: v for k, v in ITEMS[0].items()}]
    write_json(tmp_path / "metadata.json", renamed)
    with pytest.raises(ValueError, match=r"item 0: unknown key: 'fake_periods'; did you mean 'per"):
        Builder.find_media(tmp_path)


def test_missing_metadata_is_an_error(tmp_path):
    touch(tmp_path, "train/000001.mp4")
    with pytest.raises(ValueError, match=r"expected LAV-DF, with metadata\.min.*; found train/"):
        Builder.find_media(tmp_path)
