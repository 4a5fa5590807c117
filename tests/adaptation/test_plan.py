"""Videos are divided by talker, in the same way whatever their order, or there are too few."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from avsync.adaptation import plan
from avsync.adaptation.plan import CALIBRATION, TEST, TRAIN, Reals
from avsync.datasets.folder import Builder
from avsync.types import MediaFile

SOURCE = Path("videos")


def divide(media: Sequence[MediaFile]) -> plan.Plan:
    return plan.divide(Reals(list(media), {}, []), source=SOURCE)


def videos(num: int, *, talkers: int = 0) -> list[MediaFile]:
    """Videos of that many talkers in turn; of unknown ones for 0."""
    return [
        MediaFile(f"{i:03}", Path(f"{i:03}.mp4"), identity=f"t{i % talkers}" if talkers else "")
        for i in range(num)
    ]


def sizes(made: plan.Plan) -> list[int]:
    return [len(made.splits[split]) for split in (TRAIN, CALIBRATION, TEST)]


def test_a_quarter_of_the_videos_calibrates_and_a_fifth_tests():
    made = divide(videos(120))
    assert (sizes(made), made.by, made.notes) == ([66, 30, 24], "videos", [])
    names = [file.clip_id for files in made.splits.values() for file in files]
    assert sorted(names) == [file.clip_id for file in videos(120)]


def test_the_order_of_the_files_plays_no_part():
    files = videos(90, talkers=15)
    one, other = (divide(order) for order in (files, files[::-1]))
    for split, clips in one.splits.items():
        assert {x.clip_id for x in clips} == {x.clip_id for x in other.splits[split]}


def test_no_talker_is_in_two_splits():
    made = divide(videos(120, talkers=24))
    assert made.by == "talkers"
    talkers = [{file.identity for file in files} for files in made.splits.values()]
    assert sum(map(len, talkers)) == 24
    assert min(sizes(made)) >= 24


def test_a_talker_of_many_videos_is_trained_on_where_others_can_be_held_out():
    many = [file._replace(clip_id=f"x{file.clip_id}") for file in videos(100, talkers=1)]
    many = [file._replace(identity="many") for file in many]
    made = divide([*many, *videos(100, talkers=20)])
    assert {file.identity for file in made.splits[TRAIN]} >= {"many"}


def test_one_talker_is_divided_by_video_and_that_is_said():
    made = divide(videos(120, talkers=1))
    assert made.by == "videos"
    assert made.notes == ["all videos show one talker, who is in all splits"]


def test_with_few_videos_nothing_is_trained():
    made = divide(videos(40))
    assert sizes(made) == [0, 30, 10]
    assert "8 videos are left to train on, and at least 20 are needed" in made.notes[0]


def test_too_few_videos_are_refused_with_the_numbers_that_are_needed():
    with pytest.raises(ValueError, match=r"videos has 11 real videos, and at least 32 are needed"):
        divide(videos(11))


def test_the_held_out_splits_of_many_videos_stay_small():
    assert sizes(divide(videos(5000))) == [4600, 200, 200]


def test_too_few_clips_after_the_preparation_are_refused():
    counts, rejects = {TRAIN: 30, CALIBRATION: 19, TEST: 8}, Path("rejects.jsonl")
    assert plan.require_enough(counts, rejects=rejects)
    assert not plan.require_enough({**counts, TRAIN: 19}, rejects=rejects)
    with pytest.raises(ValueError, match=r"18 videos to calibrate with .* rejects\.jsonl says why"):
        plan.require_enough({**counts, CALIBRATION: 18}, rejects=rejects)


def test_fakes_and_copies_are_left_out_and_counted(tmp_path: Path):
    for name in ("a", "copy", "b", "fake"):
        (tmp_path / f"{name}.mp4").write_text("a" if name == "copy" else name)
    rows = ["path,label", "a.mp4,0", "copy.mp4,0", "b.mp4,0", "fake.mp4,1"]
    (tmp_path / "mine.csv").write_text("\n".join(rows))
    reals, _, notes = plan.find_reals(tmp_path / "mine.csv")
    assert [file.clip_id for file in reals] == ["a", "b"]
    assert notes == [
        "1 fakes of the manifest are left out",
        "1 videos are left out that are copies of others, byte by byte",
    ]


def test_the_manifest_of_a_plan_is_read_as_it_was_planned(tmp_path: Path):
    files = [file._replace(audio_track=2) for file in videos(120, talkers=24)]
    made = divide(files)
    (tmp_path / "manifest.csv").write_text(plan.manifest(made))
    read = Builder.find_media(tmp_path / "manifest.csv")
    assert {(x.clip_id, x.identity, x.split, x.audio_track) for x in read} == {
        (file.clip_id, file.identity, split, 2)
        for split, files in made.splits.items()
        for file in files
    }
    assert all(file.path.is_absolute() for file in read)


def test_all_videos_calibrate_where_nothing_else_is_asked_for():
    made = plan.calibrate_only(Reals(videos(19), {}, []), source=SOURCE)
    assert {split: len(files) for split, files in made.splits.items()} == {CALIBRATION: 19}
    with pytest.raises(ValueError, match=r"has 18 real videos, .* needs at least 19"):
        plan.calibrate_only(Reals(videos(18), {}, []), source=SOURCE)


def test_the_groups_of_a_manifest_reach_the_prepared_clips(tmp_path: Path):
    named = [x._replace(attributes={"group": f"g{i % 2}"}) for i, x in enumerate(videos(20))]
    made = plan.calibrate_only(Reals(named, {}, []), source=SOURCE)
    (tmp_path / "manifest.csv").write_text(plan.manifest(made))
    read = Builder.find_media(tmp_path / "manifest.csv")
    assert [plan.group_of(file) for file in read] == ["g0", "g1"] * 10
