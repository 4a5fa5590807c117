"""Frames in the order on disk: each once per epoch, among the frames of its own clip."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.input_pipeline.official_order import (
    file_order_batches,
    num_batches,
    require_single_process,
)
from avsync.types import Host, Source
from tests import feature_dataset

REACH = 3
LENGTHS = (5, 0, 11, 2, 9)  # 27 frames
OPTIONS = {"frames_per_batch": 10, "num_rows": 2, "reach_frames": REACH, "trim": "leading"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Frame t of clip c is [100 c + t, 1] in the picture, and its negative in the sound."""
    data_dir = tmp_path_factory.mktemp("data")
    clips = [
        np.stack([100 * c + np.arange(n), np.ones(n)], axis=1).astype(np.float32)
        for c, n in enumerate(LENGTHS)
    ]
    feature_dataset.write(data_dir, {"train": [(x, -x) for x in clips]}, num_shards=2)
    return open_source("features", "train", data_dir=data_dir, trim="leading")


def take(source: Source, num_batches: int, **changes):
    return list(itertools.islice(file_order_batches(source, **{**OPTIONS, **changes}), num_batches))


def names(x: np.ndarray) -> list[int]:
    return x[..., 0].astype(int).tolist()


def frames_on_disk() -> list[int]:
    return [100 * c + t for c, n in enumerate(LENGTHS) for t in range(n)]


@pytest.mark.parametrize("num_rows", [1, 2, 3])
def test_each_epoch_has_every_frame_once_in_order_and_ends_with_a_short_batch(source, num_rows):
    batches = take(source, 6, num_rows=num_rows)
    counted = [names(batch.visual[batch.loss_mask]) for batch, _ in batches]
    assert num_batches(source, frames_per_batch=10) == 3
    assert [len(frames) for frames in counted] == [10, 10, 7] * 2
    for epoch in (counted[:3], counted[3:]):
        assert list(itertools.chain(*epoch)) == frames_on_disk()


@pytest.mark.parametrize("num_rows", [1, 2, 3])
def test_frames_in_the_loss_see_only_their_own_clip_around_them(source, num_rows):
    for batch, _ in take(source, 3, num_rows=num_rows):
        sounds = np.pad(-batch.audio[..., 0], ((0, 0), (REACH, REACH)), constant_values=-1)
        there = np.pad(batch.valid, ((0, 0), (REACH, REACH)))
        for row, t in np.argwhere(batch.loss_mask):
            clip, place = divmod(int(batch.visual[row, t, 0]), 100)
            seen = [
                int(sound) if valid else None
                for sound, valid in zip(
                    sounds[row, t : t + 2 * REACH + 1],
                    there[row, t : t + 2 * REACH + 1],
                    strict=True,
                )
            ]
            around = range(place - REACH, place + REACH + 1)
            assert seen == [100 * clip + i if 0 <= i < LENGTHS[clip] else None for i in around]


def test_padding_is_zeros(source):
    for batch, _ in take(source, 3):
        assert not (batch.loss_mask & ~batch.valid).any()
        assert not batch.visual[~batch.valid].any()
        assert not batch.audio[~batch.valid].any()


def test_frames_are_distributed_evenly_over_rows_even_if_there_are_fewer_than_rows(source):
    for batch, clip_ids in take(source, 3, num_rows=3):
        per_row = batch.loss_mask.sum(axis=1)
        assert per_row.max() - per_row.min() <= 1
        assert len(clip_ids) == 3
    (batch, clip_ids), *_ = take(source, 1, frames_per_batch=1, num_rows=2)
    assert batch.loss_mask.sum() == 1
    assert sorted(clip_ids) == ["", "train/0"]


def test_a_resumed_stream_continues_where_it_stopped_also_in_a_later_epoch(source):
    straight = take(source, 8)
    for first_step in range(7):
        resumed = take(source, 2, first_step=first_step)
        for now, then in zip(resumed, straight[first_step : first_step + 2], strict=True):
            assert now.clip_ids == then.clip_ids
            for ours, theirs in zip(now.batch, then.batch, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_a_row_with_a_fake_has_its_label_and_id(tmp_path):
    clip = np.ones((4, 2), np.float32)
    feature_dataset.write(tmp_path, {"train": [(clip, clip)] * 3}, fakes=["train/1"])
    source = open_source("features", "train", data_dir=tmp_path, trim="leading")
    ((batch, clip_ids),) = take(source, 1, frames_per_batch=12, num_rows=1)
    assert batch.label.tolist() == [1]
    assert clip_ids == ["train/1"]


def test_several_processes_are_refused():
    with pytest.raises(ValueError, match=r"needs a single process, got 2"):
        require_single_process(Host(0, 2))


def test_clips_are_refused(tiny_data: Path):
    source = open_source("synthetic_talkers/tiny", "train", data_dir=tiny_data)
    with pytest.raises(ValueError, match=r"holds clips.* extract them"):
        take(source, 1)
