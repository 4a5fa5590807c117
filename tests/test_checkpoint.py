"""What lies beside one another in a workdir, and what is made of it."""

from pathlib import Path

import numpy as np
import pytest

from avsync import checkpoint, weights

PARAMS = {
    "encoder": {"Conv_0": {"kernel": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)}},
    "head": {"log_scale": np.float32(2.25).reshape(())},
}


def test_weights_alone_are_a_checkpoint_in_half_the_bytes(tmp_path: Path):
    checkpoint.write_config(tmp_path, {"seed": 1})
    weights.write(tmp_path, PARAMS, dtype="float16")
    assert checkpoint.find(tmp_path) == (tmp_path, 0)
    found = checkpoint.load_params(tmp_path, 0)
    assert found["head"]["log_scale"] == np.float32(2.25)
    kernel = found["encoder"]["Conv_0"]["kernel"]
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel, PARAMS["encoder"]["Conv_0"]["kernel"], rtol=1e-3)


def test_parameters_come_back_in_float32_whatever_they_are_stored_in(tmp_path: Path):
    half = {"encoder": {"kernel": np.arange(6, dtype=np.float16)}}
    checkpoint.write_config(tmp_path, {})
    checkpoint.write_params(tmp_path, half)
    kernel = checkpoint.load_params(tmp_path, 0)["encoder"]["kernel"]
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, np.arange(6))


def test_a_calibration_belongs_to_its_step(tmp_path: Path):
    assert checkpoint.read_calibration(tmp_path, 3) is None
    checkpoint.write_calibration(tmp_path, 3, {"scores": [1.0, 2.0]})
    assert checkpoint.read_calibration(tmp_path, 3) == {"scores": [1.0, 2.0]}
    assert checkpoint.read_calibration(tmp_path, 4) is None


def test_another_config_is_not_mixed_into_a_workdir(tmp_path: Path):
    checkpoint.write_config(tmp_path, {"seed": 1, "optim": {"name": "adam"}})
    checkpoint.write_config(tmp_path, {"seed": 1, "optim": {"name": "adam"}})
    with pytest.raises(ValueError, match=r"optim\.name: 'adam' then, 'adamw' now"):
        checkpoint.write_config(tmp_path, {"seed": 1, "optim": {"name": "adamw"}})


def test_what_is_no_checkpoint_is_told_what_was_expected(tmp_path: Path):
    with pytest.raises(ValueError, match="expected a training's workdir"):
        checkpoint.find(tmp_path)
