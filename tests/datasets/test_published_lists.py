"""AVH-Align's published lists: every listed clip is found, and overlaps of test with train."""

import csv
import json
from pathlib import Path

import pytest

from avsync.datasets import av_deepfake1m, fakeavceleb
from avsync.datasets._splits import SPLITS, Parts, Selection, drop_seen, make_plan
from tests.datasets.conftest import write_text

pytestmark = pytest.mark.grid  # the lists are stored with the real clips

MODIFY_TYPES = {
    "real": "real",
    "real_video_fake_audio": "audio_modified",
    "fake_video_real_audio": "visual_modified",
    "fake_video_fake_audio": "both_modified",
}


def lists(testdata: Path, name: str) -> dict[str, Path]:
    return {split: testdata / "published_lists" / f"{name}_{split}.csv" for split in SPLITS}


def rows(testdata: Path, name: str) -> list[dict[str, str]]:
    """The rows of all three lists."""
    found = []
    for path in lists(testdata, name).values():
        with path.open() as file:
            found += csv.DictReader(file)
    return found


@pytest.fixture(scope="module")
def av1m(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """The clips of AV-Deepfake1M that the lists name, by split."""
    root = tmp_path_factory.mktemp("av1m")
    items = [av1m_item(row["path"]) for row in rows(testdata, "av1m")]
    (root / "train_metadata.json").write_text(json.dumps(items))
    builder = av_deepfake1m.Builder
    media = builder.find_media(root)
    plan = make_plan(media, Selection(lists(testdata, "av1m")), ids_of=builder.listed_ids)
    files = {file.clip_id: file for file in media}
    return {split: [files[clip_id] for clip_id in ids] for split, ids in plan.splits.items()}


def av1m_item(path: str) -> dict[str, object]:
    folder, _, name = path.rpartition("/")
    modify_type = MODIFY_TYPES[name.removesuffix(".mp4")]
    return {
        "file": path,
        "original": None if modify_type == "real" else f"{folder}/real.mp4",
        "modify_type": modify_type,
        "audio_model": None,
        "fake_segments": [],
    }


def test_every_listed_clip_of_av_deepfake1m_is_found_and_train_is_real(av1m):
    assert {split: len(part) for split, part in av1m.items()} == {
        "train": 45_000,
        "val": 5_000,
        "test": 10_000,
    }


@pytest.mark.parametrize(
    ("disjoint", "num_left"), [("identity", 355), ("source_video", 2_319), ("clip", 8_320)]
)
def test_much_of_the_test_list_of_av_deepfake1m_overlaps_with_its_train_list(
    av1m, disjoint, num_left
):
    notes: list[str] = []
    assert len(drop_seen(av1m, notes, by=disjoint)["test"]) == num_left
    assert f"disjoint by {disjoint}: {num_left:,} of 10,000 test clips" in notes[0]


def test_the_lists_of_fakeavceleb_share_no_speaker(testdata, tmp_path):
    methods = ("real", "rtvc", "fsgan", "fsgan-wav2lip")
    letters = {
        letter: f"{method},{letter},{folder}"
        for letter, method, folder in zip("ABCD", methods, fakeavceleb.TYPES, strict=True)
    }
    lines = []
    for row in rows(testdata, "favc"):
        directory, _, name = row["full_path"].rpartition("/")
        race, gender = directory.split("/")[2:4]
        middle = f"-,-,{letters[row['category']]},{race},{gender}"
        lines.append(f"{row['source']},{middle},{name},{directory}")
    header = "source,target1,target2,method,category,type,race,gender,path,"
    write_text(tmp_path / "meta_data.csv", header, *lines)
    selection = Selection(lists(testdata, "favc"), disjoint="identity")
    plan = fakeavceleb.Builder.plan(tmp_path, selection)
    counts = {name: len(ids) for name, ids in plan.splits.items()}
    assert counts["train"] + counts["train_fake"] == 13_380
    assert counts["val"] + counts["val_fake"] == 1_497
    expected = "6,667 of 6,667 test clips share no identity with train (151 real, 6,516 fake)"
    assert f"disjoint by identity: {expected}" in plan.notes
    # The names of a few fakes do not match a real clip of the same person.
    assert sum(file.label and not file.source_clip for file in plan.media) == 42
