"""Which clip goes where: stored splits, held-out speakers, published lists, disjoint tests."""

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
    """Files of these names; one that begins with `f` is fake, of the real clip of its number."""
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


def test_reals_and_fakes_to_train_on_are_stored_apart_and_to_test_on_together():
    files = media("r1", "f1") + media("r2", "f2", split="val") + media("r3", "f3", split="test")
    assert splits(files) == {
        "train": ["r1"],
        "train_fake": ["f1"],
        "val": ["r2"],
        "val_fake": ["f2"],
        "test": ["f3", "r3"],
    }


def test_no_clip_is_in_two_splits_and_none_is_lost():
    files = media(*(f"{kind}{n}" for kind in "rf" for n in range(50)))
    files += media(*(f"{kind}{n}" for kind in "rf" for n in range(50, 60)), split="test")
    counts = Counter(clip_id for ids in plan(files).splits.values() for clip_id in ids)
    assert counts == Counter(file.clip_id for file in files)


def test_a_split_is_stored_in_an_order_of_its_own_which_is_always_the_same():
    files = media(*(f"r{n}" for n in range(20)), split="test")
    order = plan(files).splits["test"]
    assert order == plan(files[::-1]).splits["test"]
    assert order != sorted(order)


def test_a_limit_holds_for_each_split():
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


def test_one_id_for_two_files_is_refused():
    files = [*media("r1"), *media("r1", identity="anna")]
    with pytest.raises(ValueError, match="r1 and r1 are both clip 'r1': ids must be unique"):
        plan(files)


# Held out for validation.


def test_a_fiftieth_of_the_speakers_is_held_out_with_all_their_clips():
    files = [file for n in range(100) for file in media(f"r{n}", f"f{n}", identity=f"id{n}")]
    held_out = splits(files)
    assert [len(held_out[name]) for name in ("train", "train_fake", "val", "val_fake")] == [
        *(98, 98, 2, 2)
    ]
    assert [name[1:] for name in held_out["val"]] == [name[1:] for name in held_out["val_fake"]]


def test_an_official_val_is_left_as_it_is():
    files = [file for n in range(10) for file in media(f"r{n}", identity=f"id{n}")]
    assert splits([*files, *media("r10", split="val")])["val"] == ["r10"]


def test_a_speaker_more_moves_few_of_the_others():
    files = [file for n in range(100) for file in media(f"r{n}", identity=f"id{n}")]
    before = set(splits(files[1:])["val"])
    assert len(before - set(splits(files)["val"])) <= 1


def test_one_speaker_alone_cannot_be_held_out_and_that_is_told():
    alone = plan(media("r1", "r2", identity="anna"))
    assert alone.splits.keys() == {"train"}
    assert "no val: 'anna' alone speaks in train" in alone.notes


# Published lists.


def listed(tmp_path: Path, **lists: str) -> Selection:
    """A selection by lists such as `test="path,label r1,0"`, whose lines are given as words."""
    for name, lines in lists.items():
        write_text(tmp_path / f"{name}.csv", *lines.split())
    return Selection({name: tmp_path / f"{name}.csv" for name in lists})


def test_with_lists_nothing_else_is_prepared(tmp_path):
    selection = listed(tmp_path, test="path,label,num_frames r1,0,75 f2,1,99", val="path r3")
    chosen = plan(media("r1", "f1", "r2", "f2", "r3"), selection)
    assert chosen.splits == {"test": chosen.splits["test"], "val": ["r3"]}
    assert sorted(chosen.splits["test"]) == ["f2", "r1"]
    assert [file.clip_id for file in chosen.media] == ["r1", "f2", "r3"]


def test_clips_that_the_dataset_does_not_have_are_counted_and_one_is_named(tmp_path):
    selection = listed(tmp_path, test="path,label r1,0 r7,0 r8,0")
    expected = "test: 2 of 3 clips of test.csv are not in the dataset, the first of them r7"
    assert expected in plan(media("r1"), selection).notes


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"test": "path,label x,0"}, "lists no clip of this dataset: it begins with 'x', .* 'r1'"),
        ({"test": "path,label r1,1"}, "'r1' is fake by the list, and real .RV-RA. by the dataset"),
        ({"test": "source,category,full_path s,B,r1"}, "'r1' is fake by the list"),
        ({"test": "path,label r1,maybe"}, r"test\.csv, row 2: unknown label: 'maybe'"),
        ({"test": "category,full_path E,r1"}, r"test\.csv, row 2: unknown category: 'E'"),
        ({"test": "file,label r1,0"}, r"test\.csv: unknown column: 'path'.*Known: file, label"),
        ({"test": "path r1", "train": "path r1"}, "r1 is listed for test and for train"),
    ],
)
def test_a_list_for_something_else_is_refused(tmp_path, lists, message):
    with pytest.raises(ValueError, match=message):
        plan(media("r1", "f1"), listed(tmp_path, **lists))


def test_a_selection_is_read_from_what_a_user_types(tmp_path):
    write_text(tmp_path / "a.csv", "path")
    selection = Selection.parse([f"test={tmp_path / 'a.csv'}"], "identity", 3)
    assert selection == ({"test": tmp_path / "a.csv"}, "identity", 3)


@pytest.mark.parametrize(
    ("split_list", "disjoint", "message"),
    [
        (["test"], None, "given as SPLIT=FILE.csv; no file 'test'"),
        (["test=/nowhere.csv"], None, "no file 'test=/nowhere.csv'"),
        (["tset={}"], None, "unknown split of a list: 'tset'; did you mean 'test'"),
        (["test={}", "test={}"], None, "two lists for test: "),
        ([], "identities", "unknown kind of disjoint test: 'identities'; did you mean 'identity'"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(tmp_path, split_list, disjoint, message):
    write_text(tmp_path / "a.csv", "path")
    texts = [text.format(tmp_path / "a.csv") for text in split_list]
    with pytest.raises(ValueError, match=message):
        Selection.parse(texts, disjoint, None)


# Disjoint tests.


def test_a_test_clip_that_shares_its_speaker_with_train_is_dropped():
    files = media("r1", "f1", identity="anna") + media("r0", split="val")
    files += media("r2", "f2", split="test", identity="anna")
    files += media("r3", "f3", "f4", split="test", identity="bert")
    disjoint = plan(files, Selection(disjoint="identity"))
    assert sorted(disjoint.splits["test"]) == ["f3", "f4", "r3"]
    told = "disjoint by identity: 3 of 5 test clips share no identity with train (1 real, 2 fake)"
    assert told in disjoint.notes


def test_a_fake_made_from_a_clip_of_train_shares_it():
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
            "does not tell the identity of every clip; known for all are: clip",
        ),
        (
            media("r1", identity="a") + media("r2", split="test", identity="a"),
            "0 of 1 test clips .*: nothing is left to test on",
        ),
    ],
)
def test_a_disjoint_test_that_cannot_be_had_is_refused(files, message):
    with pytest.raises(ValueError, match=message):
        plan([*files, *media("r9", split="val")], Selection(disjoint="identity"))


def test_a_dataset_that_makes_its_own_splits_is_not_divided_again():
    files = media("r1", "r2", split="")
    assert plan(files, Selection(limit=1))[:2] == (files[:1], {})
    with pytest.raises(ValueError, match="makes its own splits; it cannot be disjoint by clip"):
        plan(files, Selection(disjoint="clip"))
