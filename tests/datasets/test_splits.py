"""Plans: stored splits, held-out speakers, published lists, disjoint tests."""

from collections import Counter
from pathlib import Path

import pytest

from avsync.datasets import _splits
from avsync.datasets._splits import Selection, make_plan
from avsync.types import MediaFile
from tests.datasets.conftest import write_text

EVERYTHING = Selection()


def media(
    *names: str, split: str = "train", identity: str = "", video: str = ""
) -> list[MediaFile]:
    """Files of these names; "f1" is a fake of the real clip "r1"."""
    return [
        MediaFile(
            clip_id=name,
            path=Path(name),
            identity=identity,
            label=int(name.startswith("f")),
            category="FV-FA" if name.startswith("f") else "RV-RA",
            source_clip="r" + name[1:] if name.startswith("f") else "",
            attributes={"source_video": video} if video else {},
            split=split,
        )
        for name in names
    ]


def plan(files: list[MediaFile], selection: Selection = EVERYTHING) -> _splits.Plan:
    return make_plan(files, selection, ids_of=lambda path: (path,))


def splits(files: list[MediaFile], selection: Selection = EVERYTHING) -> dict[str, list[str]]:
    return {name: sorted(ids) for name, ids in plan(files, selection).splits.items()}


# Stored splits.


def test_fakes_are_separate_splits_for_training_but_not_for_testing():
    files = media("r1", "f1") + media("r2", "f2", split="val") + media("r3", "f3", split="test")
    assert splits(files) == {
        "train": ["r1"],
        "train_fake": ["f1"],
        "val": ["r2"],
        "val_fake": ["f2"],
        "test": ["f3", "r3"],
    }


def test_every_clip_is_in_exactly_one_split():
    files = media(*(f"{kind}{n}" for kind in "rf" for n in range(50)))
    files += media(*(f"{kind}{n}" for kind in "rf" for n in range(50, 60)), split="test")
    counts = Counter(clip_id for ids in plan(files).splits.values() for clip_id in ids)
    assert counts == Counter(file.clip_id for file in files)


def test_the_stored_order_is_fixed_but_not_sorted():
    files = media(*(f"r{n}" for n in range(20)), split="test")
    order = plan(files).splits["test"]
    assert order == plan(files[::-1]).splits["test"]
    assert order != sorted(order)


def test_the_limit_applies_to_each_split():
    files = media(*(f"{kind}{n}" for kind in "rf" for n in range(9)), identity="anna")
    files += media("r9", "f9", split="test")
    limited = plan(files, Selection(limit=3))
    assert {name: len(ids) for name, ids in limited.splits.items()} == {
        "train": 3,
        "train_fake": 3,
        "test": 2,
    }
    assert len(limited.media) == 8
    assert limited.splits["train"] == plan(files).splits["train"][:3]


def test_two_files_with_one_id_are_refused():
    files = [*media("r1"), *media("r1", identity="anna")]
    with pytest.raises(ValueError, match="r1 and r1 have the same clip id 'r1'"):
        plan(files)


# Held out for validation.


def test_one_in_fifty_speakers_is_held_out_with_all_their_clips():
    files = [file for n in range(100) for file in media(f"r{n}", f"f{n}", identity=f"id{n}")]
    held_out = splits(files)
    assert [len(held_out[name]) for name in ("train", "train_fake", "val", "val_fake")] == [
        *(98, 98, 2, 2)
    ]
    assert [name[1:] for name in held_out["val"]] == [name[1:] for name in held_out["val_fake"]]


def test_an_official_val_split_is_kept():
    files = [file for n in range(10) for file in media(f"r{n}", identity=f"id{n}")]
    assert splits([*files, *media("r10", split="val")])["val"] == ["r10"]


def test_an_additional_speaker_moves_few_others():
    files = [file for n in range(100) for file in media(f"r{n}", identity=f"id{n}")]
    before = set(splits(files[1:])["val"])
    assert len(before - set(splits(files)["val"])) <= 1


def test_a_single_speaker_is_not_held_out_and_a_note_says_so():
    alone = plan(media("r1", "r2", identity="anna"))
    assert alone.splits.keys() == {"train"}
    assert "no val split: 'anna' is the only speaker of train" in alone.notes


# Published lists.


def listed(tmp_path: Path, **lists: str) -> Selection:
    """A selection by lists such as `test="path,label r1,0"`, whose lines are given as words."""
    for name, lines in lists.items():
        write_text(tmp_path / f"{name}.csv", *lines.split())
    return Selection({name: tmp_path / f"{name}.csv" for name in lists})


def test_only_listed_clips_are_prepared(tmp_path):
    selection = listed(tmp_path, test="path,label,num_frames r1,0,75 f2,1,99", val="path r3")
    chosen = plan(media("r1", "f1", "r2", "f2", "r3"), selection)
    assert chosen.splits == {"test": chosen.splits["test"], "val": ["r3"]}
    assert sorted(chosen.splits["test"]) == ["f2", "r1"]
    assert [file.clip_id for file in chosen.media] == ["r1", "f2", "r3"]


def test_listed_clips_missing_from_the_dataset_are_counted_and_one_is_named(tmp_path):
    selection = listed(tmp_path, test="path,label r1,0 r7,0 r8,0")
    expected = "test: 2 of 3 clips listed in test.csv are not in the dataset, the first is r7"
    assert expected in plan(media("r1"), selection).notes


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (
            {"test": "path,label x,0"},
            r"test\.csv: no listed clip is in this dataset; .* 'x', .* 'r1'",
        ),
        (
            {"test": "path,label r1,1"},
            r"'r1' is fake in the list but real \(RV-RA\) in the dataset's metadata",
        ),
        ({"test": "source,category,full_path s,B,r1"}, "'r1' is fake in the list but real"),
        ({"test": "path,label r1,maybe"}, r"test\.csv, row 2: unknown label: 'maybe'"),
        ({"test": "category,full_path E,r1"}, r"test\.csv, row 2: unknown category: 'E'"),
        ({"test": "file,label r1,0"}, r"test\.csv: unknown column: 'path'.*Known: file, label"),
        ({"test": "path r1", "train": "path r1"}, "r1 is listed for test and for train; remove it"),
    ],
)
def test_an_invalid_list_is_refused(tmp_path, lists, message):
    with pytest.raises(ValueError, match=message):
        plan(media("r1", "f1"), listed(tmp_path, **lists))


def test_a_selection_is_parsed_from_flag_values(tmp_path):
    write_text(tmp_path / "a.csv", "path")
    selection = Selection.parse([f"test={tmp_path / 'a.csv'}"], "identity", 3)
    assert selection == ({"test": tmp_path / "a.csv"}, "identity", 3)


@pytest.mark.parametrize(
    ("split_list", "disjoint", "message"),
    [
        (["test"], None, "--split_list: expected SPLIT=FILE.csv, got 'test'"),
        (["test=/nowhere.csv"], None, "--split_list=test=/nowhere.csv: file not found: /nowhere"),
        (["tset={}"], None, "unknown split in --split_list: 'tset'; did you mean 'test'"),
        (["test={}", "test={}"], None, "--split_list: two files for test, "),
        ([], "identities", "unknown value of --disjoint: 'identities'; did you mean 'identity'"),
    ],
)
def test_an_invalid_selection_is_refused(tmp_path, split_list, disjoint, message):
    write_text(tmp_path / "a.csv", "path")
    texts = [text.format(tmp_path / "a.csv") for text in split_list]
    with pytest.raises(ValueError, match=message):
        Selection.parse(texts, disjoint, None)


# Disjoint tests.


def test_test_clips_of_train_speakers_are_removed():
    files = media("r1", "f1", identity="anna") + media("r0", split="val")
    files += media("r2", "f2", split="test", identity="anna")
    files += media("r3", "f3", "f4", split="test", identity="bert")
    disjoint = plan(files, Selection(disjoint="identity"))
    assert sorted(disjoint.splits["test"]) == ["f3", "f4", "r3"]
    note = "disjoint by identity: 3 of 5 test clips share no identity with train (1 real, 2 fake)"
    assert note in disjoint.notes


def test_test_fakes_of_train_clips_are_removed():
    files = media("r1", "r2") + media("f1", "f3", "r3", split="test")
    files += media("r9", split="val")
    assert splits(files, Selection(disjoint="clip"))["test"] == ["f3", "r3"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (media("r1", split="test"), "there is no train; name its clips with --split_list=train="),
        (media("r1", "r2"), "there is no test; name its clips with --split_list=test="),
        (
            media("r1") + media("r2", split="test", video="v", identity="anna"),
            "the identity of some clips is unknown; known for all clips: clip",
        ),
        (
            media("r1", identity="a") + media("r2", split="test", identity="a"),
            "0 of 1 test clips .*: no test clip is left",
        ),
    ],
)
def test_an_invalid_disjoint_test_is_refused(files, message):
    with pytest.raises(ValueError, match=message):
        plan([*files, *media("r9", split="val")], Selection(disjoint="identity"))


def test_a_dataset_with_its_own_splits_is_not_divided_again():
    files = media("r1", "r2", split="")
    assert plan(files, Selection(limit=1))[:2] == (files[:1], {})
    with pytest.raises(
        ValueError, match="--disjoint=clip is not possible: this dataset makes its own splits"
    ):
        plan(files, Selection(disjoint="clip"))
