"""grid/by_talker: the whole corpus, with speakers for validation and test that are not in train."""

from pathlib import Path

import pytest

from avsync import build
from avsync.datasets import grid
from avsync.datasets.base import open_source
from tests.datasets.test_grid import make_clip, touch

# All 34 but speaker 21, of whom there is no video.
SPEAKERS = [f"s{number}" for number in range(1, 35) if number != 21]


def builder(tmp_path: Path, speakers: list[str], *, clips_each: int = 2) -> grid.Builder:
    ids = [(f"{speaker}_clip{n}", speaker) for speaker in speakers for n in range(clips_each)]
    prepared = {clip_id: make_clip(clip_id, identity=speaker) for clip_id, speaker in ids}
    return grid.Builder(config="by_talker", data_dir=tmp_path, prepared=prepared)


def test_the_33_speakers_are_divided_by_their_number(tmp_path):
    clips = {split: list(c) for split, c in builder(tmp_path, SPEAKERS).clips().items()}
    speakers = {split: {clip.identity for clip in c} for split, c in clips.items()}
    assert speakers["test"] == {"s10", "s20", "s30"}
    assert speakers["val"] == {"s5", "s15", "s25"}
    assert speakers["train"] == {*SPEAKERS} - speakers["test"] - speakers["val"]
    assert [len(clips[split]) for split in ("train", "val", "test")] == [54, 6, 6]
    assert {clip.label for part in clips.values() for clip in part} == {0}


def test_a_speaker_stays_in_its_split_when_others_are_added(tmp_path):
    few = builder(tmp_path, ["s1", "s10", "s15"]).clips()
    assert {s: {clip.identity for clip in part} for s, part in few.items()} == {
        "train": {"s1"},
        "val": {"s15"},
        "test": {"s10"},
    }


def test_a_speaker_of_unknown_name_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"the speaker of 2 clips is unknown, such as _clip\d"):
        builder(tmp_path, ["s1", ""]).clips()


def test_train_and_val_are_real_only_on_disk_with_the_licence(tmp_path):
    made = builder(tmp_path, ["s1", "s10", "s15"])
    made.write()
    for split in ("train", "val"):
        build.require_real_only(open_source("grid/by_talker", split, data_dir=tmp_path))
    assert "CC BY" in made.info.redistribution_info.license


@pytest.mark.parametrize(
    "file",
    [
        "s7/bbaf2n.mpg",
        "s7/video/mpg_6000/bbaf2n.mpg",
        "s7.mpg_6000.part2/s7/video/mpg_6000/bbaf2n.mpg",
        "s7.mpg_vcd/bbaf2n.mpg",
        "video/s7.mpg_vcd/s7/bbaf2n.mpg",
    ],
)
def test_the_published_archives_may_be_unpacked_in_any_way(tmp_path, file):
    touch(tmp_path, file)
    (media,) = grid.Builder.find_media(tmp_path)
    assert (media.clip_id, media.identity) == ("s7_bbaf2n", "s7")
