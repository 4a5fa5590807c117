"""The dtypes and shapes that batches declare, on the host and on the devices."""

import subprocess
import sys
import typing

import jax
import numpy as np
import pytest

from avsync import parallel
from avsync.types import Batch, WholeClip
from tests.conftest import ROOT

HINTS = typing.get_type_hints(Batch)


def make_batch(**changes: np.ndarray) -> Batch:
    valid = np.ones((2, 3), bool)
    crops, waveform = np.zeros((2, 3, 88, 88, 1), np.uint8), np.zeros((2, 3 * 640), np.int16)
    batch = Batch(crops, waveform, valid, valid, np.zeros(2, np.int32))
    return batch._replace(**changes)


def mistyped(batch: Batch) -> list[str]:
    return [name for name, hint in HINTS.items() if not isinstance(getattr(batch, name), hint)]


FEATURES = np.zeros((2, 3, 5), np.float32)


@pytest.mark.parametrize("changes", [{}, {"visual": FEATURES, "audio": FEATURES}])
def test_batches_of_clips_and_of_features_conform_on_the_host_and_on_devices(changes):
    batch = make_batch(**changes)
    assert mistyped(batch) == []
    placed = parallel.shard_batch(batch)
    assert all(isinstance(x, jax.Array) for x in jax.tree.leaves(placed))
    assert mistyped(placed) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("visual", np.zeros((2, 3, 88, 88), np.uint8)),
        ("audio", np.zeros((2, 1920), np.int32)),
        ("valid", np.ones((2, 3), np.float32)),
        ("loss_mask", np.ones((2, 3), np.uint8)),
        ("label", np.zeros(2, np.float32)),
    ],
)
def test_a_field_of_another_dtype_or_rank_does_not_conform(name, value):
    assert mistyped(make_batch(**{name: value})) == [name]


def test_whole_clips_hold_crops_or_features():
    visual, audio = (typing.get_type_hints(WholeClip)[name] for name in ("visual", "audio"))
    for crops in (np.zeros((4, 88, 88, 1), np.uint8), np.zeros((4, 8), np.float32)):
        assert isinstance(crops, visual)
    for samples in (np.zeros(9, np.int16), np.zeros(9, np.float32), np.zeros((4, 8), np.float32)):
        assert isinstance(samples, audio)
    assert not isinstance(np.zeros(9, np.int32), audio)


def test_types_import_no_jax():
    code = "import sys, avsync.types; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
