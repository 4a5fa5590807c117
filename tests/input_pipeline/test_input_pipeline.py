"""Batches are a function of (seed, step, host), and no clip is lost or counted twice."""

import itertools
from pathlib import Path

import jax
import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.input_pipeline.evaluation import eval_batches
from avsync.input_pipeline.training import train_batches
from avsync.pp.augmentation import STRANGERS, Augmentation
from avsync.types import Host, Source
from avsync.units import SAMPLES_PER_FRAME
from tests import feature_dataset
from tests.test_types import mistyped

OPTIONS = {"batch_size": 4, "window_frames": 20, "trim": "jitter", "augmentation": Augmentation()}


@pytest.fixture(scope="module")
def train(tiny_data: Path) -> Source:
    return open_source("synthetic_talkers/tiny", "train", data_dir=tiny_data)


@pytest.fixture(scope="module")
def test_split(tiny_data: Path) -> Source:
    return open_source("synthetic_talkers/tiny", "test", data_dir=tiny_data)


def take(source: Source, num_batches: int, **changes):
    return list(
        itertools.islice(train_batches(source, **{"seed": 1, **OPTIONS, **changes}), num_batches)
    )


def test_a_resumed_stream_continues_where_it_stopped_also_in_a_later_epoch(train):
    # 12 clips are three batches per epoch: batch 5 lies in the second.
    straight = take(train, 7)
    for first_step in (2, 5):
        resumed = take(train, 2, first_step=first_step)
        for i in range(2):
            assert resumed[i].clip_ids == straight[first_step + i].clip_ids
            for ours, theirs in zip(resumed[i].batch, straight[first_step + i].batch, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_an_epoch_holds_every_clip_once_and_each_epoch_has_its_own_order(train):
    ids = [clip_id for batch in take(train, 6) for clip_id in batch.clip_ids]
    assert len(set(ids[:12])) == 12
    assert set(ids[12:]) == set(ids[:12])
    assert ids[12:] != ids[:12]


def test_batches_have_the_declared_dtypes_and_shapes(train, test_split):
    ((train_batch, _),) = take(train, 1)
    eval_batch, _ = next(eval_batches(test_split, batch_size=2, trim="leading"))
    assert mistyped(train_batch) == mistyped(eval_batch) == []


def test_the_seed_determines_the_stream(train):
    assert take(train, 3)[0].clip_ids != take(train, 3, seed=2)[0].clip_ids


def test_a_clip_is_augmented_differently_in_each_epoch(train):
    clips = {}
    for batch, clip_ids in take(train, 6):
        for i, clip_id in enumerate(clip_ids):
            clips.setdefault(clip_id, []).append(batch.visual[i])
    assert all(not np.array_equal(first, second) for first, second in clips.values())


@pytest.mark.parametrize(
    ("first_step", "augmentation"), [(0, Augmentation()), (4, Augmentation()), (4, STRANGERS)]
)
def test_the_rows_of_two_hosts_are_the_batches_of_a_single_host(train, first_step, augmentation):
    options = {"first_step": first_step, "augmentation": augmentation}
    alone = take(train, 5, **options)
    halves = [take(train, 5, **options, host=Host(index, 2)) for index in range(2)]
    for whole, first, second in zip(alone, *halves, strict=True):
        assert len(first.clip_ids) == len(second.clip_ids) == 2
        assert whole.clip_ids == first.clip_ids + second.clip_ids
        jax.tree.map(
            lambda ours, *theirs: np.testing.assert_array_equal(ours, np.concatenate(theirs)),
            *[x.batch for x in (whole, first, second)],
        )


def test_windows_of_changed_speed_are_filled_where_the_clip_is_long_enough(train):
    # All clips of the dataset have more than 20 / 0.85 frames after trimming.
    options = STRANGERS._replace(probability=1.0)
    for batch, _ in take(train, 3, augmentation=options):
        assert batch.valid.all()
        assert batch.visual.shape[1:3] == (20, 88)
        assert batch.audio.shape[1] == 20 * SAMPLES_PER_FRAME
        assert batch.visual.std(axis=(1, 2, 3, 4)).min() > 1
        assert batch.audio.std(axis=1).min() > 1


def test_a_clip_shorter_than_its_window_is_padded_at_any_speed(train):
    options = STRANGERS._replace(probability=1.0)
    for batch, _ in take(train, 2, augmentation=options, window_frames=150):
        lengths = batch.valid.sum(axis=1)
        assert lengths.max() < 150
        for visual, audio, length in zip(batch.visual, batch.audio, lengths, strict=True):
            assert not visual[length:].any()
            assert not audio[length * SAMPLES_PER_FRAME :].any()


@pytest.mark.parametrize("num_clips", [3, 5, 11])
def test_epochs_hold_every_clip_once_when_batches_straddle_them(tmp_path, num_clips):
    frame = np.ones((1, 2), np.float32)
    feature_dataset.write(tmp_path, {"train": [(frame, frame)] * num_clips}, num_shards=3)
    source = open_source("features", "train", data_dir=tmp_path, trim="leading")
    batches = take(source, num_clips, window_frames=1, trim="leading")
    rows = [batch.clip_ids for batch in batches]
    # The stream goes through the rows of a batch slot by slot, here with one row per slot.
    for epoch in range(4):
        ids = [rows[g // 4][g % 4] for g in range(epoch * num_clips, (epoch + 1) * num_clips)]
        assert len(set(ids)) == num_clips


def test_hosts_that_cannot_share_a_batch_evenly_are_refused(train):
    with pytest.raises(ValueError, match="in 4 parts, which 3 processes cannot share evenly"):
        take(train, 1, host=Host(0, 3))


def test_an_empty_split_is_refused(train):
    with pytest.raises(ValueError, match="train has no clips"):
        take(train._replace(num_clips=0), 1)


@pytest.mark.parametrize("num_hosts", [1, 5])
def test_evaluation_sees_every_clip_once(test_split, num_hosts):
    ids = []
    for index in range(num_hosts):
        for batch, infos in eval_batches(
            test_split, batch_size=5, trim="none", host=Host(index, num_hosts)
        ):
            ids += [info.clip_id for info in infos]
            assert len(batch.valid) == 5
            assert batch.valid.sum(axis=1).tolist() == [info.num_frames for info in infos] + [0] * (
                5 - len(infos)
            )
    assert len(ids) == len(set(ids)) == test_split.num_clips


def test_trimming_cuts_the_same_frames_from_crops_and_audio(test_split):
    original, trimmed = (
        {
            info.clip_id: (info, batch.visual[i], batch.audio[i])
            for batch, infos in eval_batches(test_split, batch_size=4, trim=trim)
            for i, info in enumerate(infos)
        }
        for trim in ("none", "leading")
    )
    cut_from_fakes = 0
    for clip_id, (info, visual, audio) in original.items():
        num_frames = trimmed[clip_id][0].num_frames
        cut = info.num_frames - num_frames
        silent = round(info.leading_silence_seconds * 16_000)
        assert cut == (silent // SAMPLES_PER_FRAME + 1 if silent else 0)
        np.testing.assert_array_equal(
            trimmed[clip_id][1][:num_frames], visual[cut : info.num_frames]
        )
        np.testing.assert_array_equal(
            trimmed[clip_id][2][: num_frames * SAMPLES_PER_FRAME],
            audio[cut * SAMPLES_PER_FRAME : info.num_frames * SAMPLES_PER_FRAME],
        )
        cut_from_fakes += cut if info.category != "RV-RA" else 0
    assert cut_from_fakes > 0  # every fake of this dataset begins with silence
