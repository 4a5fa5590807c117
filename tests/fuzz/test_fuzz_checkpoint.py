"""Mutants of a checkpoint's files: each is loaded as it was, or refused by its path."""

import collections
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avsync import checkpoint, pretrained, trained, weights
from tests.fuzz.mutations import mutants

NUMBER = int(os.environ.get("AVSYNC_FUZZ_MUTANTS", "200"))

PARAMS = {"encoder": {"kernel": np.arange(6, dtype=np.float32)}, "scale": np.ones(2, np.float32)}

READERS: dict[str, Callable[[Path], Any]] = {
    "config.json": trained.read_config,
    "calibration/0.json": lambda folder: checkpoint.read_calibration(folder, 0),
    weights.FILE: weights.read,
}


@pytest.mark.parametrize("name", READERS)
def test_every_mutant_is_loaded_or_refused(tmp_path, name):
    folder = tmp_path / "grid"
    shutil.copytree(pretrained.GRID, folder)
    weights.write(folder, PARAMS, dtype="float32")
    seed, found = (folder / name).read_bytes(), collections.Counter()
    for number, mutant in enumerate(mutants(seed, seed=0, number=NUMBER)):
        (folder / name).write_bytes(mutant)
        try:
            loaded = READERS[name](folder)
        except ValueError as error:
            assert str(folder) in str(error), f"mutant {number}"
            found["refused"] += 1
            continue
        except Exception as error:
            raise AssertionError(f"mutant {number} of {name}, seed 0") from error
        found["loaded"] += 1
        if name == weights.FILE:  # its fingerprint holds for the same values alone
            np.testing.assert_array_equal(loaded["encoder"]["kernel"], PARAMS["encoder"]["kernel"])
    print(f"{name}: {found.total()} mutants, {dict(found)}")
    assert found["refused"]
