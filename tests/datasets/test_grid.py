"""GRID: files found on disk, clips held out, and fakes made from them."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from avsync.datasets import _fakes, grid
from avsync.datasets._splits import stable_hash
from avsync.datasets.base import builder_class, open_source
from avsync.types import FAKE, REAL, Clip

NUM_FRAMES, SPEECH = 40, slice(8, 36)


def make_clip(clip_id: str, *, identity: str = "s1", speech: slice = SPEECH) -> Clip:
    level = np.full(NUM_FRAMES, 100)
    level[speech] = 5_000
    noise = np.random.default_rng(stable_hash(clip_id)).uniform(-1, 1, NUM_FRAMES * 640)
    frames = np.arange(NUM_FRAMES, dtype=np.uint8)[:, None, None, None]
    return Clip(
        clip_id=clip_id,
        frames=np.broadcast_to(frames, (NUM_FRAMES, 96, 96, 1)),
        waveform=(noise * np.repeat(level, 640)).astype(np.int16),
        identity=identity,
    )


def make_prepared(num_clips: int = 9, *, identity: str = "s1") -> dict[str, Clip]:
    names = [f"clip{index}" for index in range(num_clips)]
    return {name: make_clip(name, identity=identity) for name in names}


def builder(tmp_path: Path, prepared: dict[str, Clip], config: str = "by_clip") -> grid.Builder:
    return grid.Builder(config=config, data_dir=tmp_path, prepared=prepared)


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


# Files found on disk.


def test_the_nearest_folder_named_after_a_speaker_gives_the_identity(tmp_path):
    touch(tmp_path, "grid_s1/s12/video/bbaf2n.mpg", "grid_s1/video/lwbsza.mkv", "other/sbia1a.mp4")
    found = {media.clip_id: media.identity for media in grid.Builder.find_media(tmp_path)}
    assert found == {"s12_bbaf2n": "s12", "s1_lwbsza": "s1", "sbia1a": ""}


def test_the_source_may_itself_be_a_speaker_folder(tmp_path):
    touch(tmp_path, "s34/bbaf2n.mpg")
    (media,) = grid.Builder.find_media(tmp_path / "s34")
    assert media.identity == "s34"


@pytest.mark.parametrize("folder", ["s35", "s0", "s1a", "faces1", "as1", "s1.mpg_new"])
def test_other_folder_names_are_not_speakers(tmp_path, folder):
    touch(tmp_path, f"{folder}/bbaf2n.mpg")
    (media,) = grid.Builder.find_media(tmp_path)
    assert (media.clip_id, media.identity) == ("bbaf2n", "")


def test_one_sentence_in_two_unnamed_folders_is_two_clips(tmp_path):
    touch(tmp_path, "anna/bbaf2n.mpg", "bert/bbaf2n.mpg", "bert/sbia1a.mpg")
    ids = [media.clip_id for media in grid.Builder.find_media(tmp_path)]
    assert ids == ["anna/bbaf2n", "bert/bbaf2n", "sbia1a"]


def test_a_recording_found_twice_is_an_error(tmp_path):
    touch(tmp_path, "s1/bbaf2n.mpg", "s1/small/bbaf2n.mkv")
    with pytest.raises(ValueError, match="both clip s1_bbaf2n; remove one"):
        grid.Builder.find_media(tmp_path)


def test_only_videos_are_found(tmp_path):
    touch(tmp_path, "s1/a.MPG", "s1/._a.mpg", "s1/a.align", "s1/a.wav")
    assert [media.path.name for media in grid.Builder.find_media(tmp_path)] == ["a.MPG"]


def test_alignments_of_the_speaker_are_found_in_any_folder(tmp_path):
    touch(tmp_path, "s1/bbaf2n.mpg", "s1/lwbsza.mpg", "s2/bbaf2n.mpg")
    alignment = tmp_path / "alignments" / "s1" / "bbaf2n.align"
    alignment.parent.mkdir(parents=True)
    alignment.write_text("0 23750 sil\n23750 29500 bin\n29500 34000 blue\n34000 74500 sil\n")
    words = {media.clip_id: media.attributes for media in grid.Builder.find_media(tmp_path)}
    assert json.loads(words["s1_bbaf2n"]["words"]) == [[0.95, 1.18, "bin"], [1.18, 1.36, "blue"]]
    assert words["s1_lwbsza"] == words["s2_bbaf2n"] == {}


def test_the_words_of_every_real_clip_are_within_its_three_seconds(testdata):
    media = grid.Builder.find_media(testdata / "grid_s1")
    words = [json.loads(clip.attributes["words"]) for clip in media]
    assert {len(spoken) for spoken in words} == {6}
    assert all(0 < start < end < 3 for spoken in words for start, end, _ in spoken)


def test_an_invalid_alignment_line_is_an_error(tmp_path):
    touch(tmp_path, "s1/a.mpg")
    (tmp_path / "s1" / "a.align").write_text("0 100 bin\n100 blue\n")
    with pytest.raises(ValueError, match=r"a\.align, line 2: expected .*, found '100 blue'"):
        grid.Builder.find_media(tmp_path)


def test_a_folder_without_videos_is_an_error_with_the_expected_layout(tmp_path):
    touch(tmp_path, "align/a.align", "align/b.align", "readme")
    with pytest.raises(
        ValueError, match=r"expected .*/s1/\*\.mpg.*; found 2 x \.align, 1 x without suffix"
    ):
        grid.Builder.find_media(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"directory not found: .*nowhere; expected a GRID folder"):
        grid.Builder.find_media(tmp_path / "nowhere")


# Clips held out.


def split_of(clip_ids: list[str]) -> dict[str, str]:
    splits = grid.split_by_speaker(dict.fromkeys(clip_ids, "s1"))
    return {clip_id: split for split, clips in splits.items() for clip_id in clips}


def test_a_speaker_with_900_clips_has_100_each_in_val_and_test(testdata):
    media = grid.Builder.find_media(testdata / "grid_s1")
    splits = grid.split_by_speaker({clip.clip_id: clip.identity for clip in media})
    assert {split: len(clips) for split, clips in splits.items()} == {
        "train": 700,
        "val": 100,
        "test": 100,
    }
    # Fixed values: a change of the split makes published numbers incomparable.
    assert sorted(splits["test"])[:3] == ["s1_bbaf4p", "s1_bbbm2p", "s1_bbbz8n"]


@pytest.mark.parametrize(
    ("num_clips", "num_train", "num_test"), [(5, 5, 0), (6, 2, 2), (40, 32, 4), (1_000, 800, 100)]
)
def test_a_ninth_is_held_out_within_2_and_100(num_clips, num_train, num_test):
    splits = Counter(split_of([f"clip{index}" for index in range(num_clips)]).values())
    assert (splits["train"], splits["val"], splits["test"]) == (num_train, num_test, num_test)


@pytest.mark.parametrize("extra", ["one", "more", "clip", "does", "little", "harm"])
def test_an_additional_clip_moves_at_most_three_others(extra):
    before = split_of([f"clip{index}" for index in range(89)])
    after = split_of([*before, extra])
    assert sum(after[clip_id] != split for clip_id, split in before.items()) <= 3


def test_an_additional_speaker_moves_no_clip():
    one = {f"clip{index}": "s1" for index in range(40)}
    other = {f"word{index}": "s2" for index in range(40)}
    alone, together = grid.split_by_speaker(one), grid.split_by_speaker(one | other)
    for split, clips in alone.items():
        assert [clip_id for clip_id in together[split] if clip_id in one] == list(clips)


def test_splits_do_not_depend_on_the_order_of_the_clips():
    clip_ids = [f"clip{index}" for index in range(40)]
    assert split_of(clip_ids) == split_of(clip_ids[::-1])


# Fakes.


def test_every_split_holds_its_kinds_of_fakes(tmp_path):
    clips = {split: list(c) for split, c in builder(tmp_path, make_prepared()).clips().items()}
    kinds = {split: Counter(clip.manipulation for clip in c) for split, c in clips.items()}
    every_kind = Counter(["real", *_fakes.KINDS])
    two_of_every_kind = every_kind + every_kind
    assert kinds["train"] == {"real": 5}
    assert kinds["val"] == {"real": 2}
    assert kinds["test"] == kinds["test_planted"] == kinds["val_labelled"] == two_of_every_kind
    assert kinds["train_labelled"]["real"] == kinds["train_labelled"].total() / 2 == 5
    for split in clips.values():
        assert len({clip.clip_id for clip in split}) == len(split)


def test_test_clips_are_not_in_train_and_borrow_sound_only_from_test_clips(tmp_path):
    clips = {split: list(c) for split, c in builder(tmp_path, make_prepared()).clips().items()}
    sources = {
        split: {clip.source_clip or clip.clip_id for clip in c} for split, c in clips.items()
    }
    assert not sources["train"] & (sources["val"] | sources["test"])
    assert not sources["val"] & sources["test"]
    assert sources["train"] == sources["train_labelled"]
    swapped = [clip.waveform for clip in clips["test"] if clip.manipulation == "swap"]
    reals = {clip.waveform.tobytes() for clip in clips["test"] if clip.label == REAL}
    assert {waveform.tobytes() for waveform in swapped} == reals


def test_a_real_clip_and_its_fakes_have_equal_lengths(tmp_path):
    lengths = {}
    for clip in builder(tmp_path, make_prepared()).clips()["test"]:
        lengths.setdefault(clip.source_clip or clip.clip_id, set()).add(len(clip.frames))
    assert all(len(of_source) == 1 for of_source in lengths.values())


def test_a_shifted_clip_has_the_real_sound_and_later_frames(tmp_path):
    clips = list(builder(tmp_path, make_prepared()).clips()["test"])
    reals = {clip.clip_id: clip for clip in clips if clip.label == REAL}
    for clip in (clip for clip in clips if clip.manipulation == "shift_5"):
        real = reals[clip.source_clip]
        np.testing.assert_array_equal(clip.waveform, real.waveform)
        np.testing.assert_array_equal(clip.frames[:-5], real.frames[5:])


@pytest.mark.parametrize("split", ["test_planted", "train_labelled"])
def test_only_fakes_start_with_planted_silence(tmp_path, split):
    clips = list(builder(tmp_path, make_prepared()).clips()[split])
    assert {clip.label for clip in clips} == {REAL, FAKE}
    for clip in clips:
        assert (not clip.waveform[:640].any()) == (clip.label == FAKE)


def test_two_builds_are_equal(tmp_path):
    prepared = make_prepared()
    for split in ("test", "train_labelled"):
        once, again = (builder(tmp_path, prepared).clips()[split] for _ in range(2))
        for left, right in zip(once, again, strict=True):
            assert left.clip_id == right.clip_id
            np.testing.assert_array_equal(left.frames, right.frames)
            np.testing.assert_array_equal(left.waveform, right.waveform)


def test_the_donor_is_a_clip_of_the_same_speaker_if_there_is_one():
    speakers = {"a1": "s1", "a2": "s1", "b1": "s2", "b2": "s2", "c1": "s3"}
    donor_of = _fakes.donors(speakers)
    assert (donor_of["a1"], donor_of["a2"], donor_of["b1"]) == ("a2", "a1", "b2")
    assert donor_of["c1"] in {"a1", "a2", "b1", "b2"}


def test_an_additional_clip_changes_few_donors():
    before = _fakes.donors({f"clip{index}": "s1" for index in range(50)})
    after = _fakes.donors({f"clip{index}": "s1" for index in range(51)})
    changed = [clip_id for clip_id in before if before[clip_id] != after[clip_id]]
    assert all(after[clip_id] == "clip50" for clip_id in changed)


def test_heldout_puts_every_clip_into_test(tmp_path):
    clips = builder(tmp_path, make_prepared(3, identity=""), config="heldout").clips()
    assert set(clips) == {"test", "test_planted"}
    reals = [clip.clip_id for clip in clips["test"] if clip.label == REAL]
    assert sorted(reals) == ["clip0", "clip1", "clip2"]


def test_infeasible_fakes_are_left_out_and_counted_in_a_note(tmp_path):
    prepared = make_prepared(2) | {"mumbler": make_clip("mumbler", speech=slice(10, 14))}
    made = builder(tmp_path, prepared, config="heldout")
    clips = made.clips()["test"]
    manipulations = [c.manipulation for c in clips if c.source_clip == "mumbler"]
    assert manipulations == ["swap", "shift_2", "shift_5", "shift_10"]
    (note,) = made.notes
    assert note.startswith("test: fakes left out: ")
    assert "1 of 3 freeze_0.8s (1 too little speech)" in note


def test_fakes_of_clips_too_short_for_them_are_counted_with_that_reason(tmp_path):
    clips = (make_clip(f"clip{i}", speech=slice(4, 28)) for i in range(3))
    short = {clip.clip_id: _fakes.without_tail(clip, NUM_FRAMES - 28) for clip in clips}
    made = builder(tmp_path, short, config="heldout")
    assert {c.manipulation for c in made.clips()["test"]} >= {"swap", "splice_0.4s"}
    (note,) = made.notes
    assert "3 of 3 splice_0.8s (3 clip or donor too short)" in note


def test_too_few_clips_for_three_splits_are_an_error_that_names_heldout(tmp_path):
    with pytest.raises(ValueError, match=r"no speaker has 6 of the 5 clips.*grid/heldout"):
        builder(tmp_path, make_prepared(5)).clips()


def test_a_single_clip_has_no_donor(tmp_path):
    with pytest.raises(ValueError, match=r"the only clips are \['clip0'\]; prepare at least two"):
        builder(tmp_path, make_prepared(1), config="heldout").clips()


# Storage.


def test_a_built_dataset_is_opened_by_name_with_its_real_only_splits(tmp_path):
    made = builder(tmp_path, make_prepared(6))
    made.download_and_prepare()
    assert builder_class("grid") is grid.Builder
    train = open_source("grid", "train", data_dir=tmp_path)
    test = open_source("grid/by_clip", "test", data_dir=tmp_path)
    assert (train.num_clips, train.is_real_only) == (2, True)
    assert (test.num_clips, test.is_real_only) == (20, False)
    stored = next(iter(tfds.as_numpy(made.as_dataset(split="test"))))
    first = next(iter(made.clips()["test"]))
    assert stored["clip_id"].decode() == first.clip_id
    np.testing.assert_array_equal(stored["waveform"], first.waveform)
