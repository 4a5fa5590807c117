"""Many talkers are reproducible, varied, in sync and never digitally silent."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets._portions import Portioned
from avsync.datasets.synthesis.many.language import draw_language
from avsync.datasets.synthesis.many.talking import MAX_FRAMES, MIN_FRAMES, talk
from avsync.datasets.synthesis.talking import Take
from avsync.datasets.synthetic_talkers import Builder
from avsync.types import FAKE, REAL, Clip

SILENCE_LEVEL = 5e-4 * 32_768  # the rule of Smeu et al. (CVPR 2025), in int16

TAKES = [Take(seed=1, talker_index=talker, take_index=i) for talker in range(8) for i in (0, 1)]


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return [talk(take) for take in TAKES]


def test_the_same_take_gives_the_same_bytes(clips: list[Clip]):
    again = talk(TAKES[3])
    np.testing.assert_array_equal(again.frames, clips[3].frames)
    np.testing.assert_array_equal(again.waveform, clips[3].waveform)


def test_talkers_and_takes_differ(clips: list[Clip]):
    for other in (clips[1], clips[2]):
        assert (other.frames[:70] != clips[0].frames[:70]).mean() > 0.5
        assert (other.waveform[:40_000] != clips[0].waveform[:40_000]).mean() > 0.5
    assert len({clip.identity for clip in clips}) == 8


def test_takes_come_in_pairs_of_equal_length(clips: list[Clip]):
    lengths = [len(clip.frames) for clip in clips]
    assert lengths[::2] == lengths[1::2]
    assert all(MIN_FRAMES <= length <= MAX_FRAMES for length in lengths)
    assert all(len(clip.waveform) == 640 * len(clip.frames) for clip in clips)


def test_no_frame_is_digitally_silent_and_nothing_is_clipped(clips: list[Clip]):
    for clip in clips:
        peaks = np.abs(clip.waveform.astype(int)).reshape(-1, 640).max(axis=1)
        assert peaks.min() > SILENCE_LEVEL, clip.clip_id
        assert peaks.max() < 32_767, clip.clip_id
        assert np.isin(clip.frames, (0, 255)).mean() < 0.05, clip.clip_id


def test_a_language_says_some_words_often():
    language = draw_language(np.random.default_rng(0))
    assert language.frequencies.sum() == pytest.approx(1)
    assert language.frequencies[:30].sum() > 0.3
    assert len(language.words[0]) <= len(language.words[-1])


def test_the_dataset_of_many_talkers_shares_none_between_splits(tmp_path: Path):
    splits = Builder(config="many", data_dir=tmp_path).clips()
    items = {name: clips.items for name, clips in splits.items() if isinstance(clips, Portioned)}
    talkers = {name: {take.talker_index for take in items[name]} for name in ("train", "val")}
    talkers["test"] = {pair.first.talker_index for pair in items["test"]}
    assert {split: len(numbers) for split, numbers in talkers.items()} == {
        "train": 360,
        "val": 20,
        "test": 30,
    }
    assert len(set.union(*talkers.values())) == 410


def test_only_the_test_split_has_fakes(tmp_path: Path):
    splits = Builder(config="many", data_dir=tmp_path, limit=4).clips()
    labels = {split: [clip.label for clip in clips] for split, clips in splits.items()}
    assert labels == {"train": [REAL] * 4, "val": [REAL] * 4, "test": [REAL] * 2 + [FAKE] * 2}


def test_another_process_can_make_a_portion(tmp_path: Path, clips: list[Clip]):
    train = Builder(config="many", data_dir=tmp_path).clips()["train"]
    assert isinstance(train, Portioned)
    make = pickle.loads(pickle.dumps(train.portion(TAKES[:2])))
    for made, clip in zip(make(), clips[:2], strict=True):
        np.testing.assert_array_equal(made.frames, clip.frames)
