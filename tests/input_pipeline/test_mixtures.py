"""Batches of several datasets, and of talkers in turn: shares, resumption, hosts."""

import itertools
from collections import Counter
from pathlib import Path

import jax
import numpy as np
import pytest

from avsync.datasets.base import ClipBuilder, open_source
from avsync.input_pipeline import mixing
from avsync.input_pipeline.talkers import read_places
from avsync.input_pipeline.training import TrainBatch, train_batches
from avsync.pp.augment import Augmentation
from avsync.types import Clip, Host, Source, SplitEdits
from tests import feature_dataset

OPTIONS = {"batch_size": 4, "window_frames": 4, "trim": "none", "augmentation": Augmentation()}

# Clips of each talker; "" is unknown.
TALKERS = {"often": 9, "seldom": 2, "": 2}


class Builder(ClipBuilder, skip_registration=True):
    """Clips of few talkers, one of whom has most of them."""

    name = "uneven"
    REAL_ONLY_SPLITS = ("train",)

    def clips(self):
        return {"train": self._clips()}

    def _clips(self):
        random = np.random.default_rng(0)
        for name, number in TALKERS.items():
            for i in range(number):
                yield Clip(
                    clip_id=f"{name or 'unknown'}{i}",
                    frames=random.integers(0, 256, (6, 96, 96, 1), np.uint8),
                    waveform=random.integers(-999, 999, 6 * 640).astype(np.int16),
                    identity=name,
                )


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Source:
    data_dir = tmp_path_factory.mktemp("uneven")
    Builder(data_dir=data_dir).download_and_prepare()
    return open_source("uneven", "train", data_dir=data_dir)


@pytest.fixture(scope="module")
def talkers(tiny_data: Path) -> Source:
    return open_source("synthetic_talkers/tiny", "train", data_dir=tiny_data)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Features of five clips in each of "one" and "two", of ones and of twos."""
    folder, sources = tmp_path_factory.mktemp("features"), []
    for name, value in (("one", 1), ("two", 2)):
        clip = np.full((6, 3), value, np.float32)
        feature_dataset.write(folder / name, {"train": [(clip, -clip)] * 5})
        source = open_source("features", "train", data_dir=folder / name, trim="leading")
        sources.append(source._replace(dataset=name))
    return sources


def take(*sources: Source, number: int, **changes) -> list[TrainBatch]:
    batches = train_batches(*sources, **{"seed": 1, **OPTIONS, **changes})
    return list(itertools.islice(batches, number))


def require_equal(ours: list[TrainBatch], theirs: list[TrainBatch]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.clip_ids == other.clip_ids
        for x, y in zip(one.batch, other.batch, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("balance", ["clip", "identity"])
def test_a_resumed_mixture_continues_where_it_stopped(uneven, talkers, balance):
    options = {"weights": [2.0, 1.0], "balance": balance}
    straight = take(uneven, talkers, number=12, **options)
    for first_step in (1, 9):
        resumed = take(uneven, talkers, number=3, first_step=first_step, **options)
        require_equal(resumed, straight[first_step : first_step + 3])


def test_a_mixture_resumes_in_a_later_block_of_the_stream(features):
    # Four slots of one row a batch: a block of 1,000 rows ends after 1,000 batches.
    options = {"weights": [2.0, 1.0], "window_frames": 1, "trim": "leading"}
    ids = [batch.clip_ids for batch in take(*features, number=1004, **options)]
    resumed = take(*features, number=4, first_step=1000, **options)
    assert [batch.clip_ids for batch in resumed] == ids[1000:]
    # The shares are exact in a block.
    counts = Counter(name.partition(":")[0] for row in ids[:1000] for name in row)
    assert counts == {"one": 4 * 667, "two": 4 * 333}
    # They hold within two rows of each slot at any time.
    for end in (30, 100, 400):
        share = Counter(name.partition(":")[0] for row in ids[:end] for name in row)
        assert abs(share["one"] - 4 * end * 2 / 3) <= 8


@pytest.mark.parametrize("balance", ["clip", "identity"])
def test_the_rows_of_two_hosts_are_the_mixture_of_a_single_host(uneven, talkers, balance):
    options = {"weights": [1.0, 3.0], "balance": balance, "first_step": 2, "number": 6}
    alone = take(uneven, talkers, **options)
    first, second = (take(uneven, talkers, host=Host(i, 2), **options) for i in range(2))
    joined = [
        TrainBatch(
            jax.tree.map(lambda *rows: np.concatenate(rows), one.batch, other.batch),
            one.clip_ids + other.clip_ids,
        )
        for one, other in zip(first, second, strict=True)
    ]
    require_equal(joined, alone)


def test_each_dataset_of_a_mixture_goes_through_its_own_epochs(uneven, talkers):
    # 13 + 12 clips, equally often: 26 rows of each are two epochs of the first.
    ids = [
        x for batch in take(uneven, talkers, number=26, weights=[1.0, 1.0]) for x in batch.clip_ids
    ]
    counts = Counter(name for name in ids if name.startswith("uneven: "))
    assert len(counts) == 13
    assert set(counts.values()) <= {3, 4, 5}


def test_a_mixture_of_one_dataset_is_that_dataset(talkers):
    require_equal(take(talkers, number=3), take(talkers, number=3, weights=[0.3]))


def test_features_of_two_datasets_mix(features):
    ids = set()
    for batch, clip_ids in take(*features, number=6, weights=[1.0, 1.0], trim="leading"):
        for row, clip_id in enumerate(clip_ids):
            value = {"one": 1, "two": 2}[clip_id.partition(":")[0]]
            np.testing.assert_array_equal(batch.visual[row], value)
            np.testing.assert_array_equal(batch.audio[row], -value)
        ids |= set(clip_ids)
    assert len(ids) == 10


def test_talkers_take_turns_and_so_do_the_clips_of_each(uneven):
    # Four talkers: two with names, and two clips of unknown ones.
    rows = [batch.clip_ids for batch in take(uneven, number=18, balance="identity")]
    for row in rows:
        assert {clip_id.rstrip("0123456789") for clip_id in row} == {"often", "seldom", "unknown"}
        assert {"unknown0", "unknown1"} <= set(row)
    counts = Counter(clip_id for row in rows for clip_id in row)
    assert all(counts[f"often{i}"] == 2 for i in range(9))
    assert [counts[f"seldom{i}"] for i in range(2)] == [9, 9]
    assert len({tuple(row) for row in rows}) > 9  # the turns are shuffled


def test_a_clip_that_a_gate_drops_has_no_turn(uneven):
    edits = SplitEdits(dropped=frozenset([0, 9]))
    places = read_places(uneven._replace(num_clips=11, edits=edits))
    assert sorted(Counter(places.talker.tolist()).values()) == [1, 1, 1, 8]
    batches = take(uneven._replace(num_clips=11, edits=edits), number=8, balance="identity")
    ids = {clip_id for batch in batches for clip_id in batch.clip_ids}
    assert ids == {"seldom1", "unknown0", "unknown1", *(f"often{i}" for i in range(1, 9))}


def test_the_balance_must_be_known(uneven):
    with pytest.raises(ValueError, match=r"unknown config.data.balance: 'identitiy'; did you mean"):
        take(uneven, number=1, balance="identitiy")


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_is_a_positive_number(weight):
    with pytest.raises(ValueError, match=r"gives 'lrs3' the weight .*; expected a positive number"):
        mixing.shares({"grid": 1.0, "lrs3": weight})


def test_a_share_too_small_for_a_row_is_refused():
    with pytest.raises(
        ValueError, match=r"gives 'lrs3' 0\.0001 of the rows; the smallest .* 0.001"
    ):
        mixing.shares({"grid": 1.0, "lrs3": 1e-4})


def test_shares_are_rounded_to_whole_rows_of_a_block():
    assert mixing.quotas([1.0, 1.0, 1.0]) == [334, 333, 333]
    assert mixing.quotas([2.0, 0.5]) == [800, 200]
    assert mixing.shares({"a": 3.0, "b": 1.0}) == {"a": 0.75, "b": 0.25}
