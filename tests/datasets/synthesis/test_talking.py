"""Synthetic talkers are reproducible, varied and never digitally silent."""

import numpy as np
import pytest

from avsync.datasets.synthesis.talking import (
    MAX_FRAMES,
    MIN_FRAMES,
    Take,
    talk,
)
from avsync.types import Clip

SILENCE_LEVEL = 5e-4 * 32_768  # the rule of Smeu et al. (CVPR 2025), in int16


@pytest.fixture(scope="module")
def takes() -> list[Take]:
    return [
        Take(seed=1, talker_index=talker, take_index=i) for talker in range(5) for i in range(4)
    ]


@pytest.fixture(scope="module")
def clips(takes: list[Take]) -> list[Clip]:
    return list(map(talk, takes))


def test_the_same_take_gives_the_same_bytes(takes: list[Take], clips: list[Clip]) -> None:
    assert_same(talk(takes[7]), clips[7])


@pytest.mark.parametrize("change", [{"seed": 2}, {"talker_index": 1}, {"take_index": 1}])
def test_seed_talker_and_take_each_change_sound_and_video(
    change: dict[str, int], takes: list[Take], clips: list[Clip]
) -> None:
    other = talk(takes[0]._replace(**change))
    num_frames = min(len(other.frames), len(clips[0].frames))
    num_samples = num_frames * 640
    assert (other.frames[:num_frames] != clips[0].frames[:num_frames]).mean() > 0.5
    assert (other.waveform[:num_samples] != clips[0].waveform[:num_samples]).mean() > 0.5


def test_takes_come_in_pairs_of_equal_length(clips: list[Clip]) -> None:
    lengths = [len(clip.frames) for clip in clips]
    assert lengths[::2] == lengths[1::2]


def test_pairs_differ_in_length_within_the_limits(clips: list[Clip]) -> None:
    lengths = {len(clip.frames) for clip in clips}
    assert len(lengths) > 5
    assert min(lengths) >= MIN_FRAMES
    assert max(lengths) <= MAX_FRAMES


def test_every_clip_starts_at_zero_and_has_sound_within_5_ms(clips: list[Clip]) -> None:
    for clip in clips:
        first_heard = int(np.argmax(np.abs(clip.waveform) > SILENCE_LEVEL))
        assert 0 < first_heard < 80, clip.clip_id


def test_no_frame_of_a_real_clip_is_digitally_silent(clips: list[Clip]) -> None:
    for clip in clips:
        peaks = np.abs(clip.waveform.astype(np.int32)).reshape(-1, 640).max(axis=1)
        assert peaks.min() > SILENCE_LEVEL, clip.clip_id


def test_neither_sound_nor_video_is_clipped(clips: list[Clip]) -> None:
    for clip in clips:
        assert np.abs(clip.waveform.astype(np.int32)).max() < 32_767, clip.clip_id
        assert np.isin(clip.frames, (0, 255)).mean() < 0.02, clip.clip_id


def assert_same(clip: Clip, other: Clip) -> None:
    assert clip.clip_id == other.clip_id
    np.testing.assert_array_equal(clip.frames, other.frames)
    np.testing.assert_array_equal(clip.waveform, other.waveform)
