"""Parameters are as they were written, finite, and those of the model; anything else is refused."""

from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy

from avsync import weights

PARAMS = {
    "encoder": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)},
    "scale": np.array(2.25, np.float32),
}


def write_file(folder: Path, arrays: dict[str, np.ndarray], *, fingerprint: str | None) -> None:
    """A file in the format of `weights.write` without its checks."""
    metadata = {} if fingerprint is None else {"fingerprint": fingerprint}
    (folder / weights.FILE).write_bytes(safetensors.numpy.save(arrays, metadata))


def test_equal_weights_have_equal_fingerprints_and_others_do_not():
    same = weights.fingerprint({"a": 1}, PARAMS)
    assert same == weights.fingerprint({"a": 1}, {name: PARAMS[name] for name in PARAMS})
    changed = {**PARAMS, "scale": np.array(2.26, np.float32)}
    assert same != weights.fingerprint({"a": 1}, changed)
    assert same != weights.fingerprint({"a": 2}, PARAMS)


def test_a_fingerprint_never_changes():
    # Feature datasets and checkpoints on disk have fingerprints of earlier versions.
    assert weights.fingerprint({"a": 1}, PARAMS) == "14d2647b99147123"


@pytest.mark.parametrize("dtype", weights.DTYPES)
def test_weights_are_read_as_they_were_written(tmp_path, dtype):
    weights.write(tmp_path, PARAMS, dtype=dtype)
    loaded = weights.read(tmp_path)
    assert loaded["encoder"]["kernel"].dtype == np.float32
    np.testing.assert_array_equal(loaded["encoder"]["kernel"], PARAMS["encoder"]["kernel"])
    assert loaded["scale"] == PARAMS["scale"]
    assert loaded["scale"].shape == ()


def test_devices_share_the_memory_of_weights_that_are_read(tmp_path):
    weights.write(tmp_path, PARAMS, dtype="float32")
    kernel = weights.read(tmp_path)["encoder"]["kernel"]
    assert jax.device_put(kernel).unsafe_buffer_pointer() == kernel.ctypes.data


def test_weights_under_their_old_name_are_read_where_there_are_no_others(tmp_path):
    weights.write(tmp_path, PARAMS, dtype="float32")
    (tmp_path / "model.safetensors").rename(tmp_path / "weights.safetensors")
    assert weights.are_in(tmp_path)
    assert weights.read(tmp_path)["scale"] == PARAMS["scale"]
    weights.write(tmp_path, {"scale": np.array(3, np.float32)}, dtype="float32")
    assert weights.read(tmp_path) == {"scale": 3}


def test_a_flipped_bit_in_any_array_is_refused(tmp_path):
    weights.write(tmp_path, PARAMS, dtype="float32")
    path = tmp_path / weights.FILE
    whole = path.read_bytes()
    for position in (-1, -5, -28):  # the arrays are the last 28 bytes
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"model\.safetensors is damaged: .* fingerprint"):
            weights.read(tmp_path)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    weights.write(tmp_path, PARAMS, dtype="float32")
    path = tmp_path / weights.FILE
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        weights.read(tmp_path)


def test_weights_without_a_fingerprint_are_refused(tmp_path):
    write_file(tmp_path, {"scale": PARAMS["scale"]}, fingerprint=None)
    with pytest.raises(ValueError, match=r"model\.safetensors has no fingerprint"):
        weights.read(tmp_path)


def test_weights_of_an_older_version_are_named_as_such(tmp_path):
    write_file(tmp_path, {"encoder.Conv_0.kernel": np.ones((2, 3))}, fingerprint=None)
    message = r"was written by avsync 0\.1, .*\(encoder\.Conv_0\.kernel\)"
    with pytest.raises(ValueError, match=message):
        weights.read(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_neither_written_nor_read(tmp_path, value):
    params = {**PARAMS, "encoder": {"kernel": np.array([1, value, 3], np.float32)}}
    with pytest.raises(ValueError, match=r"encoder\.kernel has NaN or infinite values"):
        weights.write(tmp_path, params, dtype="float32")
    arrays = dict(weights.leaves(params))
    write_file(tmp_path, arrays, fingerprint=weights.fingerprint({}, params))
    message = r"model\.safetensors: encoder\.kernel has NaN or infinite values"
    with pytest.raises(ValueError, match=message):
        weights.read(tmp_path)


def test_values_too_large_for_half_precision_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="float16: scale has NaN or infinite values"):
        weights.write(tmp_path, {"scale": np.array(1e6, np.float32)}, dtype="float16")
    assert not weights.are_in(tmp_path)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"scale": PARAMS["scale"]}, r"missing: encoder\.kernel \[2, 3\]"),
        ({**PARAMS, "bias": np.zeros(4)}, r"unknown: bias \[4\]"),
        (
            {**PARAMS, "encoder": {"kernel": np.zeros((3, 2))}},
            r"wrong shape: encoder\.kernel is \[3, 2\], expected \[2, 3\]",
        ),
        ({**PARAMS, "scale": {"kernel": np.zeros(4)}}, r"missing: scale \[\]; unknown: scale\.ker"),
    ],
)
def test_weights_of_another_model_are_refused_by_the_name_of_the_array(params, problem):
    weights.require_fit(PARAMS, PARAMS, source="runs/a")
    with pytest.raises(ValueError, match=rf"^runs/a does not fit the model: {problem}"):
        weights.require_fit(params, PARAMS, source="runs/a")


def test_only_the_first_of_many_differences_are_named():
    params = {f"layer{i}": np.zeros(2) for i in range(9)}
    with pytest.raises(ValueError, match=r"unknown: layer0 .* layer2 \[2\] and 6 more\. Choose"):
        weights.require_fit(params, {}, source="runs/a")
