"""Files of torch.save that were made to harm: little memory, little time, and a clear refusal."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from avsync.convert import _pickle_scan, torch_file
from avsync.convert._published import convert
from tests.conftest import ROOT
from tests.convert import torch_zip
from tests.convert.torch_zip import dict_of, name, plain, storage, tensor

SIX = np.arange(6, dtype=np.float32)

ONE = tensor(storage("0", 6), (6,), (1,))


def read(path: Path, pickled: bytes):
    """The contents of a file with `pickled` and one storage, "0"."""
    return torch_file.read(torch_zip.write(path, pickled, {"0": SIX.tobytes()}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pt"


def peak_megabytes(path: Path) -> float:
    """What reading `path` adds to the memory of a fresh process; its error must be a ValueError."""
    code = """
import resource, sys
from pathlib import Path
from avsync.convert import torch_file
from avsync.convert._published import convert
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
try:
    torch_file.read(Path(sys.argv[1]))
    sys.exit("was read")
except ValueError as error:
    assert sys.argv[1] in str(error)
print(peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def nested_tuples(depth: int) -> bytes:
    return b")" + b"\x85" * depth


def doubled_tuples(depth: int) -> bytes:
    """A tuple of twice the tuple before, and so on: a hash visits 2 ** depth items."""
    return b")" + b"2\x86" * depth


MUCH_FROM_LITTLE = {
    "memo": (b"}r\xff\xff\xff\x03", "stores an object as number 67108863 after 3 bytes"),
    "memo as text": (b"}p67108863\n", "stores an object as number 67108863"),
    "bytes": (b"}\x8e" + (1 << 40).to_bytes(8, "little"), "expected 1099511627776 bytes"),
    "text": (b"}\x8d" + (1 << 40).to_bytes(8, "little"), "expected 1099511627776 bytes"),
    "array": (b"}\x96" + (1 << 40).to_bytes(8, "little"), "expected 1099511627776 bytes"),
    "frame": (b"}\x95" + (1 << 40).to_bytes(8, "little"), "a part of 1099511627776 bytes"),
    "integer": (b"}\x8b\xff\xff\xff\x7f", "not enough data|expected 2147483647"),
    "deep key": (b"}" + nested_tuples(100_000) + b"Ns", "nests tuples 101 deep"),
    "wide key": (b"}" + doubled_tuples(60) + b"Ns", "keys and parts of keys"),
    "extension": (b"}\x82\x01", "the operation EXT1"),
    "recall": (b"}h\x05", "recalls object 5, which it did not store"),
    "stack": (b"}00", "takes more objects than it has made"),
}


@pytest.mark.parametrize("kind", MUCH_FROM_LITTLE)
def test_a_pickle_that_makes_much_from_little_is_refused(path, kind):
    pickled, message = MUCH_FROM_LITTLE[kind]
    with pytest.raises(ValueError, match=rf"model\.pt .*({message})"):
        read(path, pickled)


@pytest.mark.parametrize(
    ("limit", "pickled"),
    [
        ("MAX_OPERATIONS", b"]" * 100),
        ("MAX_NAMES", b"".join(b"cm\nn%d\n0" % i for i in range(60)) + b"}"),
    ],
)
def test_a_pickle_of_too_many_parts_is_refused(path, monkeypatch, limit, pickled):
    monkeypatch.setattr(_pickle_scan, limit, 50)
    with pytest.raises(ValueError, match=r"more than .*; weights need far fewer"):
        read(path, pickled)


def test_no_memory_is_made_for_an_index_of_the_memo(path):
    """Unpickled, these 139 bytes take 1 GB."""
    torch_zip.write(path, b"}r\xff\xff\xff\x03")
    assert peak_megabytes(path) < 50


def test_no_memory_is_made_for_a_member_that_is_not_there(path):
    torch_zip.write(path, dict_of({"w": ONE}), {"0": SIX.tobytes()})
    data = path.read_bytes()
    # The stated sizes of the pickle in the list of members, compressed and not: 1.9 GB.
    size = len(zipfile.ZipFile(path).read("archive/data.pkl")).to_bytes(4, "little")
    path.write_bytes(data[:-200] + data[-200:].replace(size * 2, b"\x00\x00\x00\x70" * 2))
    damaged = data.rpartition(b"PK\x01\x02")[0].replace(size * 2, b"\x00\x00\x00\x70" * 2)
    path.write_bytes(damaged + data[len(damaged) :])
    assert peak_megabytes(path) < 50


@pytest.mark.parametrize(
    ("shape", "stride", "message"),
    [
        ((1,) * 33, (1,) * 33, "a tensor of 33 axes"),
        ((1 << 20_000,) * 30, (1,) * 30, "no integers below 2"),
        ((1 << 62,), (1 << 62,), "needs"),
    ],
)
def test_a_tensor_of_absurd_shape_is_refused(path, shape, stride, message):
    with pytest.raises(ValueError, match=message):
        read(path, dict_of({"w": tensor(storage("0", 6), shape, stride)}))


def test_many_views_of_few_values_are_refused(path):
    contents = read(path, dict_of({"model": dict_of({str(i): ONE for i in range(5)})}))
    with pytest.raises(ValueError, match="more than 4 times the values that the file holds"):
        torch_file.state_dict(contents, entry="model")


def test_messages_have_no_control_characters(path):
    odd = "\x1b]0;title\x07\u202e"
    with pytest.raises(ValueError, match=r"model\.pt") as error:
        read(path, name(f"os {odd}"))
    assert str(error.value).isprintable()
    contents = read(path, dict_of({odd: plain(1)}))
    with pytest.raises(ValueError, match=r"it has '\\x1b\]0;title") as error:
        torch_file.state_dict(contents, entry="model")
    assert str(error.value).isprintable()
    torch_zip.write(path, dict_of({odd: plain(1)}))
    for kind in ("avhubert", "avh_align", "avh_align_sup", "syncnet"):
        with pytest.raises(ValueError, match=rf"cannot convert {path} as {kind}") as error:
            convert(path, kind=kind)
        assert str(error.value).isprintable()


def test_a_folder_or_a_missing_file_is_named(path):
    for place in (path, path.parent):
        with pytest.raises(ValueError, match=f"^{place} cannot be read"):
            torch_file.read(place)
