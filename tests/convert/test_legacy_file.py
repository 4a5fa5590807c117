"""Files of torch.save before PyTorch 1.6: values are read exactly, and no code is ever run."""

from pathlib import Path

import numpy as np
import pytest

from avsync.convert import torch_file
from tests.convert import torch_legacy
from tests.convert.torch_legacy import storage, tensor, write, write_tensors
from tests.convert.torch_zip import call, cut, dict_of, name, plain

SIX = np.arange(6, dtype=np.float32)

WEIGHTS = tensor(storage("140", 6), (2, 3), (3, 1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pt"


def test_the_tensors_of_a_legacy_file_are_read_on_demand(path):
    tensors = {"bias": np.array([7, 8], np.float32), "weight": SIX.reshape(2, 3)}
    contents = torch_file.read(write_tensors(path, tensors))
    weights = torch_file.only_tensors(contents)
    for key, values in tensors.items():
        np.testing.assert_array_equal(weights[key].numpy(), values)
    path.write_bytes(path.read_bytes().replace(SIX.tobytes(), (SIX + 1).tobytes()))
    np.testing.assert_array_equal(weights["weight"].numpy(), [[1, 2, 3], [4, 5, 6]])


def test_tensors_that_share_a_storage_are_views_of_it(path):
    transposed = tensor(storage("140", 6), (3, 2), (1, 3))
    contents = torch_file.read(write(path, dict_of({"w": WEIGHTS, "t": transposed}), {"140": SIX}))
    assert contents["w"].numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert contents["t"].numpy().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_legacy_file_may_hold_the_bytes_of_a_zip(path):
    values = np.frombuffer(b"PK\x05\x06" + bytes(20), np.float32)  # an empty zip
    contents = torch_file.read(write_tensors(path, {"w": values}))
    np.testing.assert_array_equal(contents["w"].numpy(), values)


def test_a_legacy_file_that_names_code_runs_nothing_and_is_refused(path):
    trace = path.with_name("trace")
    attack = call(name("os system"), plain(f"touch {trace}"))
    write(path, dict_of({"w": WEIGHTS, "extra": attack}), {"140": SIX})
    with pytest.raises(ValueError, match=r"model\.pt .* os\.system, which is code and not data"):
        torch_file.read(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": 1000}, "its protocol is 1000; only 1001 can be read"),
        ({"machine": {"little_endian": False}}, "byte order is not little-endian"),
        ({"machine": [1]}, "byte order is not little-endian"),
        ({"keys": ["141"]}, "no tensor of a known type refers to its storage '141'"),
        ({"keys": {"140": 1}}, "lists its storages as a dict, not a list"),
        ({"keys": ["140", "140"]}, "it is incomplete: it ends before its storage 140"),
        ({"data": {"140": SIX[:5]}}, "its storage 140 has 5 values, expected 6"),
        ({"data": {}}, "its storage 140 is missing"),
        ({"pickled": plain([1]), "data": {}}, "it must hold a dictionary, not a list"),
        (
            {"pickled": dict_of({"w": storage("140", 6, part=plain(("9", 0, 6)))})},
            "it refers to data in an unknown way",
        ),
        (
            {"pickled": dict_of({"w": WEIGHTS, "b": tensor(storage("140", 5), (1,), (1,))})},
            "its storage 140 is referred to with two types or sizes",
        ),
        (
            {"pickled": dict_of({"w": tensor(storage("140", 6), (7,), (1,))})},
            "needs 7 values, but storage 140 has 6",
        ),
    ],
)
def test_an_invalid_legacy_file_is_refused(path, options, message):
    fields = {"pickled": dict_of({"w": WEIGHTS}), "data": {"140": SIX}, **options}
    write(path, **fields)
    with pytest.raises(ValueError, match=rf"model\.pt cannot be read .*{message}"):
        torch_file.read(path)


@pytest.mark.parametrize("num_bytes", [1, 20, 30, 100])
def test_an_incomplete_download_of_a_legacy_file_is_refused(path, num_bytes):
    write_tensors(path, {"w": SIX})
    with pytest.raises(ValueError, match=r"model\.pt cannot be read"):
        torch_file.read(cut(path, num_bytes))


def test_a_damaged_legacy_file_returns_values_or_raises_a_value_error(path):
    """Each byte in turn is inverted."""
    whole = bytearray(torch_legacy.write_tensors(path, {"w": SIX}).read_bytes())
    for index in range(len(whole)):
        whole[index] ^= 0xFF
        path.write_bytes(whole)
        try:
            for value in torch_file.read(path).values():
                assert not isinstance(value, torch_file.TorchTensor) or value.numpy().size == 6
        except ValueError as error:
            assert "model.pt" in str(error)
        whole[index] ^= 0xFF
