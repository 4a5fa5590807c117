"""The synthetic dataset: real-only splits, disjoint talkers, and the planted shortcut."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.datasets.synthetic_talkers import Builder
from avsync.types import FAKE, REAL, Clip

SILENCE_LEVEL = 5e-4 * 32_768  # the rule of Smeu et al. (CVPR 2025), in int16

Splits = dict[str, list[Clip]]


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    builder = Builder(config="tiny", data_dir=tmp_path_factory.mktemp("unprepared"))
    return {split: list(clips) for split, clips in builder.clips().items()}


@pytest.mark.parametrize("split", Builder.REAL_ONLY_SPLITS)
def test_real_only_splits_hold_real_clips_only(split: str, splits: Splits) -> None:
    assert {clip.label for clip in splits[split]} == {REAL}


@pytest.mark.parametrize("split", ["train_labelled", "val_labelled", "test"])
def test_labelled_splits_hold_one_fake_per_real_clip(split: str, splits: Splits) -> None:
    reals = {clip.clip_id for clip in splits[split] if clip.label == REAL}
    sources = [clip.source_clip for clip in splits[split] if clip.label == FAKE]
    assert sorted(sources) == sorted(reals)


def test_the_test_split_has_fakes_of_every_category(splits: Splits) -> None:
    categories = Counter(clip.category for clip in splits["test"])
    assert categories["RV-RA"] == sum(categories.values()) / 2
    assert min(categories[category] for category in ("RV-FA", "FV-RA", "FV-FA")) >= 2


def test_train_val_and_test_share_no_talker(splits: Splits) -> None:
    talkers = {split: {clip.identity for clip in clips} for split, clips in splits.items()}
    assert not talkers["train"] & talkers["val"]
    assert not talkers["test"] & (talkers["train"] | talkers["val"])
    assert talkers["train_labelled"] <= talkers["train"]
    assert talkers["val_labelled"] <= talkers["val"]


def test_real_clips_of_train_labelled_are_clips_of_train(splits: Splits) -> None:
    waveforms = {clip.clip_id: clip.waveform for clip in splits["train"]}
    for clip in splits["train_labelled"]:
        if clip.label == REAL:
            np.testing.assert_array_equal(clip.waveform, waveforms[clip.clip_id])


def test_ids_are_unique_within_a_split(splits: Splits) -> None:
    for clips in splits.values():
        assert len({clip.clip_id for clip in clips}) == len(clips)


def test_only_fakes_start_with_whole_frames_of_silence(splits: Splits) -> None:
    for clip in labelled(splits):
        silent_frames = leading_silence(clip) // 640
        assert silent_frames in ((1, 2) if clip.label == FAKE else (0,)), clip.clip_id


def test_trimming_cuts_every_clip_including_real_ones(splits: Splits) -> None:
    # Otherwise trimmed real clips would start differently from trimmed fakes.
    assert all(leading_silence(clip) > 0 for clip in labelled(splits))


def test_trimmed_fakes_have_the_lengths_and_starts_of_trimmed_real_clips(splits: Splits) -> None:
    starts = {trimmed(clip)[:640].tobytes() for clip in labelled(splits) if clip.label == REAL}
    lengths = {clip.clip_id: len(trimmed(clip)) for clip in labelled(splits)}
    for clip in labelled(splits):
        if clip.label == FAKE:
            assert trimmed(clip)[:640].tobytes() in starts, clip.clip_id
            assert lengths[clip.clip_id] == lengths[clip.source_clip]


def test_the_video_is_frozen_during_planted_silence(splits: Splits) -> None:
    for clip in labelled(splits):
        num_still = leading_silence(clip) // 640
        for i in range(num_still):
            np.testing.assert_array_equal(clip.frames[i], clip.frames[num_still])


def test_the_limit_keeps_the_first_clips_of_each_split(splits: Splits, tmp_path: Path) -> None:
    limited = Builder(config="tiny", data_dir=tmp_path, limit=3).clips()
    kept = {split: [clip.clip_id for clip in clips] for split, clips in limited.items()}
    assert kept == {split: [c.clip_id for c in clips[:3]] for split, clips in splits.items()}


def test_stored_splits_are_complete_and_marked_real_only(splits: Splits, tmp_path: Path) -> None:
    Builder(config="tiny", data_dir=tmp_path).download_and_prepare()
    for split, clips in splits.items():
        source = open_source("synthetic_talkers/tiny", split, data_dir=tmp_path)
        assert source.num_clips == len(clips)
        assert source.is_real_only == (split in ("train", "val"))


def labelled(splits: Splits) -> list[Clip]:
    return [*splits["train_labelled"], *splits["val_labelled"], *splits["test"]]


def leading_silence(clip: Clip) -> int:
    """Samples before the first one above the silence level."""
    return int(np.argmax(np.abs(clip.waveform.astype(np.int32)) > SILENCE_LEVEL))


def trimmed(clip: Clip) -> np.ndarray:
    silence = leading_silence(clip)
    num_frames = silence // 640 + 1 if silence else 0
    return clip.waveform[640 * num_frames :]
