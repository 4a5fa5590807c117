"""Batches of a split with dropped clips and one realigned clip."""

import itertools

import numpy as np
import pytest

from avsync.input_pipeline.evaluation import whole_clips
from avsync.input_pipeline.training import TrainBatch, train_batches
from avsync.types import Host, Source, SplitEdits
from avsync.units import SAMPLES_PER_FRAME
from tests.input_pipeline.gates.conftest import LATE_FRAMES, NUM_FRAMES

OPTIONS = {"batch_size": 4, "window_frames": NUM_FRAMES, "trim": "none", "seed": 3}

DROPPED = {8: "twice", 9: "small"}


@pytest.fixture(scope="module")
def gated(faulty: Source) -> Source:
    return faulty._replace(num_clips=8, edits=SplitEdits(frozenset(DROPPED), {"late": LATE_FRAMES}))


def take(source: Source, num_batches: int, **changes) -> list[TrainBatch]:
    batches = train_batches(source, **{**OPTIONS, **changes})
    return list(itertools.islice(batches, num_batches))


def assert_same(ours: list[TrainBatch], theirs: list[TrainBatch]) -> None:
    assert [batch.clip_ids for batch in ours] == [batch.clip_ids for batch in theirs]
    for a, b in zip(ours, theirs, strict=True):
        for x, y in zip(a.batch, b.batch, strict=True):
            np.testing.assert_array_equal(x, y)


def test_an_epoch_holds_every_kept_clip_once(gated):
    ids = [clip_id for batch in take(gated, 4) for clip_id in batch.clip_ids]
    kept = {"late", *[f"clip{i}" for i in range(7)]}
    assert sorted(ids[:8]) == sorted(ids[8:]) == sorted(kept)


def test_a_resumed_stream_with_gates_continues_where_it_stopped(gated):
    straight = take(gated, 7)
    for first_step in (1, 5):
        assert_same(take(gated, 2, first_step=first_step), straight[first_step : first_step + 2])


def test_two_hosts_read_the_batches_of_a_single_host(gated):
    alone = take(gated, 3)
    hosts = [take(gated, 3, host=Host(index, 2)) for index in range(2)]
    for batch, *rows in zip(alone, *hosts, strict=True):
        assert batch.clip_ids == [clip_id for part in rows for clip_id in part.clip_ids]


def test_edits_of_no_clip_change_no_bit(faulty):
    # The edit names a missing clip, so that every clip is looked up.
    untouched = faulty._replace(edits=SplitEdits(frozenset(), {"nobody": 3}))
    assert_same(take(untouched, 4), take(faulty, 4))


def test_late_sound_is_shifted_back_to_its_frames(gated):
    ((batch, row),) = [
        (batch.batch, batch.clip_ids.index("late"))
        for batch in take(gated, 2)
        if "late" in batch.clip_ids
    ]
    num_left = NUM_FRAMES - LATE_FRAMES
    assert batch.valid[row].tolist() == [True] * num_left + [False] * LATE_FRAMES
    shown = batch.visual[row, :num_left, 40, 40, 0]
    heard = batch.audio[row].reshape(NUM_FRAMES, SAMPLES_PER_FRAME)[:num_left]
    assert shown.tolist() == list(range(num_left))
    np.testing.assert_array_equal(heard, np.repeat(shown[:, None], SAMPLES_PER_FRAME, axis=1))


def test_evaluation_drops_the_same_clips(gated):
    clips = list(whole_clips(gated, trim="none"))
    assert len(clips) == gated.num_clips
    assert not {clip.info.clip_id for clip in clips} & set(DROPPED.values())
