"""Many talkers are reproducible, varied, in sync and never digitally silent."""

import numpy as np
import pytest

from avsync.datasets.synthesis.many.language import draw_language
from avsync.datasets.synthesis.many.talking import MAX_FRAMES, MIN_FRAMES, talk
from avsync.datasets.synthesis.talking import Take, talk_all, talker_pool
from avsync.datasets.synthetic_talkers import Builder
from avsync.types import REAL, Clip

SILENCE_LEVEL = 5e-4 * 32_768  # the rule of Smeu et al. (CVPR 2025), in int16

TAKES = [Take(seed=1, talker_index=talker, take_index=i) for talker in range(12) for i in (0, 1)]


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return [talk(take) for take in TAKES]


def test_a_process_pool_makes_the_same_bytes(clips: list[Clip]):
    pool = talker_pool(2)
    assert pool is not None
    with pool:
        for elsewhere, clip in zip(talk_all(TAKES[:2], pool=pool, talk=talk), clips, strict=False):
            np.testing.assert_array_equal(elsewhere.frames, clip.frames)
            np.testing.assert_array_equal(elsewhere.waveform, clip.waveform)


def test_talkers_and_takes_differ(clips: list[Clip]):
    for other in (clips[1], clips[2]):
        assert (other.frames[:70] != clips[0].frames[:70]).mean() > 0.5
        assert (other.waveform[:40_000] != clips[0].waveform[:40_000]).mean() > 0.5
    assert len({clip.identity for clip in clips}) == 12


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


def test_the_dataset_of_many_talkers_shares_none_between_splits(tmp_path):
    splits = Builder(config="many", data_dir=tmp_path, limit=2).clips()
    identities = {}
    for split in ("train", "val", "test"):
        clips = list(splits[split])
        assert all(clip.label == REAL for clip in clips)
        identities[split] = {clip.identity for clip in clips}
    assert not identities["train"] & identities["val"]
    assert not identities["test"] & (identities["train"] | identities["val"])
