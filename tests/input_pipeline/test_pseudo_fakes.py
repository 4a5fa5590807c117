"""Training batches with pseudo-fakes: marked, the same on any number of hosts, real by label."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.input_pipeline.training import train_batches
from avsync.pp.augment import Augmentation
from avsync.pp.pseudo_fakes import PseudoFakes
from avsync.types import Host, Source
from tests import feature_dataset
from tests.test_types import mistyped

OPTIONS = {"batch_size": 4, "window_frames": 40, "trim": "leading"}
PSEUDO_FAKES = PseudoFakes(share=0.5)


@pytest.fixture(scope="module")
def train(tiny_data: Path) -> Source:
    return open_source("synthetic_talkers/tiny", "train", data_dir=tiny_data)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("features")
    times = np.arange(60, dtype=np.float32)[:, None]
    clips = [(times, times)] * 12
    feature_dataset.write(folder, {"train": clips}, num_shards=2)
    return open_source("features", "train", data_dir=folder, trim="leading")


def take(source: Source, num_batches: int, **changes):
    batches = train_batches(source, **{"seed": 1, **OPTIONS, **changes})
    return list(itertools.islice(batches, num_batches))


@pytest.fixture(params=["train", "features"])
def source(request: pytest.FixtureRequest) -> Source:
    return request.getfixturevalue(request.param)


def test_only_changed_clips_are_outside_of_the_loss_mask_and_only_they_are_forged(source):
    plain, changed = take(source, 6), take(source, 6, pseudo_fakes=PSEUDO_FAKES)
    num_changed = num_fakes = 0
    for (before, ids), (after, same_ids) in zip(plain, changed, strict=True):
        assert ids == same_ids
        assert before.forged is None
        assert mistyped(after) == []
        assert not after.label.any()
        np.testing.assert_array_equal(before.valid, after.valid)
        is_changed = ~after.loss_mask.any(axis=1)
        np.testing.assert_array_equal(after.loss_mask[~is_changed], after.valid[~is_changed])
        assert not after.forged[~is_changed].any()
        for i in range(len(ids)):
            same = np.array_equal(before.visual[i], after.visual[i])
            assert same != is_changed[i]
        num_changed += is_changed.sum()
        num_fakes += (after.forged > 0).any(axis=1).sum()
    assert 6 <= num_changed <= 18
    assert 0 < num_fakes < num_changed


def test_the_rows_of_two_hosts_are_the_batches_of_a_single_host_also_after_a_restart(source):
    options = {"pseudo_fakes": PSEUDO_FAKES, "augmentation": Augmentation()}
    alone = take(source, 5, **options)[3:]
    halves = [take(source, 2, first_step=3, host=Host(i, 2), **options) for i in range(2)]
    for whole, first, second in zip(alone, *halves, strict=True):
        assert whole.clip_ids == first.clip_ids + second.clip_ids
        for ours, *theirs in zip(whole.batch, first.batch, second.batch, strict=True):
            np.testing.assert_array_equal(ours, np.concatenate(theirs))
