"""Mutants of torch files: each is read or refused by its name, in little memory."""

import collections
import os
import resource
from pathlib import Path

import numpy as np
import pytest

from avsync.convert import torch_file
from tests.convert import torch_legacy, torch_zip
from tests.fuzz.mutations import mutants

NUMBER = int(os.environ.get("AVSYNC_FUZZ_MUTANTS", "300"))

TENSORS = {"weight": np.arange(6, dtype=np.float32), "bias": np.ones((2, 3), np.float32)}

MAX_MEGABYTES = 300  # more than all mutants together may add to the memory of the process


def write_zip(path: Path) -> Path:
    pickled, data = torch_zip.arrays(TENSORS)
    return torch_zip.write(path, torch_zip.dict_of({"model": pickled}), data)


def write_legacy(path: Path) -> Path:
    return torch_legacy.write_tensors(path, TENSORS)


def write_pickles(path: Path, pickled: bytes) -> Path:
    """A whole zip around a mutated pickle, whose checksum would hide most mutants."""
    _, data = torch_zip.arrays(TENSORS)
    return torch_zip.write(path, pickled, data)


def outcome(path: Path) -> str:
    try:
        for value in torch_file.read(path).values():
            tensors = value.values() if isinstance(value, dict) else [value]
            for tensor in tensors:
                if isinstance(tensor, torch_file.TorchTensor):
                    tensor.numpy()
    except ValueError as error:
        assert str(path) in str(error)
        assert all(letter.isprintable() or letter == "\n" for letter in str(error))
        return "refused"
    return "read"


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_every_mutant_is_read_or_refused(tmp_path, kind):
    path = tmp_path / "model.pt"
    if kind == "pickle":
        seed = torch_zip.dict_of({"model": torch_zip.arrays(TENSORS)[0]})
    else:
        seed = {"zip": write_zip, "legacy": write_legacy}[kind](path).read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = collections.Counter()
    for number, mutant in enumerate(mutants(seed, seed=0, number=NUMBER)):
        write_pickles(path, mutant) if kind == "pickle" else path.write_bytes(mutant)
        try:
            found[outcome(path)] += 1
        except Exception as error:
            raise AssertionError(f"mutant {number} of {kind}, seed 0") from error
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{kind}: {found.total()} mutants, {dict(found)}, {added:.0f} MB added")
    assert found["refused"] and added < MAX_MEGABYTES
