"""The files of a workdir: how they are written, read and checked."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from avsync import checkpoint, weights

PARAMS = {
    "encoder": {"conv": {"kernel": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)}},
    "head": {"log_scale": np.array(2.25, np.float32)},
}

CALIBRATION = {"dataset": "grid", "split": "val", "trim": "leading", "frame": "nll"}
CALIBRATION |= {"pooling": "mean", "num_frames": 73, "scores": [1.0, 2.0]}


def test_weights_alone_are_a_checkpoint_in_half_the_bytes(tmp_path: Path):
    checkpoint.write_config(tmp_path, {"seed": 1})
    weights.write(tmp_path, PARAMS, dtype="float16")
    assert checkpoint.find(tmp_path) == (tmp_path, 0)
    loaded = checkpoint.load_params(tmp_path, 0)
    assert loaded["head"]["log_scale"] == np.float32(2.25)
    kernel = loaded["encoder"]["conv"]["kernel"]
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel, PARAMS["encoder"]["conv"]["kernel"], rtol=1e-3)


def test_parameters_are_loaded_in_float32_whatever_they_are_stored_in(tmp_path: Path):
    half = {"encoder": {"kernel": np.arange(6, dtype=np.float16)}}
    checkpoint.write_config(tmp_path, {})
    checkpoint.write_params(tmp_path, half)
    kernel = checkpoint.load_params(tmp_path, 0)["encoder"]["kernel"]
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, np.arange(6))


def test_devices_share_the_memory_of_parameters_that_are_loaded(tmp_path: Path):
    checkpoint.write_config(tmp_path, {})
    checkpoint.write_params(tmp_path, PARAMS)
    kernel = checkpoint.load_params(tmp_path, 0)["encoder"]["conv"]["kernel"]
    assert jax.device_put(kernel).unsafe_buffer_pointer() == kernel.ctypes.data


def test_orbax_does_not_call_parameters_that_avsync_wrote_malformed(tmp_path: Path, caplog):
    write_params(tmp_path, PARAMS)
    checkpoint.load_params(tmp_path, 0)
    assert not [record for record in caplog.records if record.levelname != "INFO"]


def write_params(workdir: Path, params: Any) -> int:
    """Parameters alone as a checkpoint; returns its step."""
    checkpoint.write_config(workdir, {})
    checkpoint.write_params(workdir, params)
    return 0


def write_state(workdir: Path, **state: Any) -> int:
    """A checkpoint as the training loop writes it; returns its step."""
    checkpoint.write_config(workdir, {})
    with checkpoint.Checkpointer(workdir) as checkpointer:
        checkpointer.save(3, {"step": np.array(3), **state})
    return 3


def test_the_average_of_the_parameters_is_loaded_if_there_is_one(tmp_path: Path):
    step = write_state(tmp_path, params={"scale": np.ones(4)}, average={"scale": np.full(4, 2.0)})
    assert checkpoint.load_params(tmp_path, step)["scale"].tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("kind", ["params", "state"])
def test_a_flipped_bit_in_a_checkpoint_is_refused(tmp_path: Path, kind):
    # Neither of Orbax's two formats notices it.
    kernel = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    write = {"params": write_params, "state": write_state}[kind]
    step = write(tmp_path, params={"kernel": kernel})
    np.testing.assert_array_equal(checkpoint.load_params(tmp_path, step)["kernel"], kernel)
    (file,) = (x for x in (tmp_path / "checkpoints").rglob("*") if is_array(x, kernel))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"checkpoints/{step} is damaged: .* fingerprint"):
        checkpoint.load_params(tmp_path, step)


def is_array(path: Path, array: np.ndarray) -> bool:
    return path.is_file() and path.stat().st_size > array.nbytes / 2


def test_a_damaged_checkpoint_is_not_resumed_from(tmp_path: Path):
    write_state(tmp_path, params={"scale": jnp.ones(4)})
    expected = checkpoint.abstract({"step": jnp.array(0), "params": {"scale": jnp.zeros(4)}})
    with checkpoint.Checkpointer(tmp_path) as checkpointer:
        assert checkpointer.restore(expected)["params"]["scale"].tolist() == [1, 1, 1, 1]
    set_fingerprint(tmp_path / "checkpoints" / "3", "0123456789abcdef")
    damaged = pytest.raises(ValueError, match="checkpoints/3 is damaged")
    with checkpoint.Checkpointer(tmp_path) as checkpointer, damaged:
        checkpointer.restore(expected)


def set_fingerprint(folder: Path, fingerprint: str | None) -> None:
    path = folder / "_CHECKPOINT_METADATA"
    metadata = json.loads(path.read_text())
    metadata["custom_metadata"] = {} if fingerprint is None else {"fingerprint": fingerprint}
    path.write_text(json.dumps(metadata))


def test_a_published_file_is_no_checkpoint_and_is_to_be_converted(tmp_path: Path):
    (tmp_path / "published.pt").touch()
    with pytest.raises(ValueError, match=r"published\.pt is a file, .*avsync-convert"):
        checkpoint.find(tmp_path / "published.pt")


def test_a_checkpoint_without_a_fingerprint_is_refused(tmp_path: Path):
    write_params(tmp_path, params={"scale": np.ones(4)})
    set_fingerprint(tmp_path / "checkpoints" / "0", None)
    with pytest.raises(ValueError, match="checkpoints/0 has no fingerprint"):
        checkpoint.load_params(tmp_path, 0)


def test_a_checkpoint_of_an_older_version_is_named_as_such(tmp_path: Path):
    write_params(tmp_path, params={"encoder": {"Dense_0": {"kernel": np.ones(4)}}})
    message = r"checkpoints/0 was written by avsync 0\.1, .*\(encoder\.Dense_0\.kernel\)"
    with pytest.raises(ValueError, match=message):
        checkpoint.load_params(tmp_path, 0)


def test_parameters_that_are_not_finite_are_neither_written_nor_loaded(tmp_path: Path):
    params = {"scale": np.array([1, np.nan])}
    with pytest.raises(ValueError, match="scale has NaN or infinite values"):
        checkpoint.write_params(tmp_path, params)
    step = write_state(tmp_path, params=params)
    with pytest.raises(ValueError, match="checkpoints/3: scale has NaN or infinite values"):
        checkpoint.load_params(tmp_path, step)


def test_asking_whether_training_can_resume_does_not_open_the_checkpoints(tmp_path, monkeypatch):
    # Opening them removes the checkpoint that another training is writing, which then fails: a
    # second start of the same command asks before it finds that the workdir is in use.
    assert not checkpoint.can_resume(tmp_path)
    write_state(tmp_path, params={"scale": np.ones(4)})
    monkeypatch.setattr(checkpoint, "Checkpointer", None)
    monkeypatch.setattr(checkpoint.ocp.training, "Checkpointer", None)
    assert checkpoint.can_resume(tmp_path)
    (tmp_path / "checkpoints" / "3").rename(tmp_path / "checkpoints" / "3.orbax-checkpoint-tmp")
    assert not checkpoint.can_resume(tmp_path)


def test_a_calibration_belongs_to_its_step(tmp_path: Path):
    assert checkpoint.read_calibration(tmp_path, 3) is None
    checkpoint.write_calibration(tmp_path, 3, CALIBRATION)
    assert checkpoint.read_calibration(tmp_path, 3) == CALIBRATION
    assert checkpoint.read_calibration(tmp_path, 4) is None


def test_the_calibrations_before_are_kept(tmp_path: Path):
    kept = tmp_path / "calibration"
    assert checkpoint.write_calibration(tmp_path, 3, CALIBRATION) == (kept / "3.json", None)
    # The same again replaces nothing.
    assert checkpoint.write_calibration(tmp_path, 3, CALIBRATION).previous is None
    second, third = ({**CALIBRATION, "split": split} for split in ("second", "third"))
    written = checkpoint.write_calibration(tmp_path, 3, second)
    assert written == (kept / "3.json", kept / "3.old1.json")
    assert checkpoint.write_calibration(tmp_path, 3, third).previous == kept / "3.old2.json"
    assert checkpoint.read_calibration(tmp_path, 3) == third
    splits = [json.loads((kept / f"3.old{n}.json").read_text())["split"] for n in (1, 2)]
    assert splits == [CALIBRATION["split"], "second"]


def test_a_workdir_has_one_config(tmp_path: Path):
    checkpoint.write_config(tmp_path, {"seed": 1, "optim": {"name": "adam"}})
    checkpoint.write_config(tmp_path, {"seed": 1, "optim": {"name": "adam"}})
    with pytest.raises(ValueError, match=r"optim\.name: 'adam' then, 'adamw' now"):
        checkpoint.write_config(tmp_path, {"seed": 1, "optim": {"name": "adamw"}})


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=f"checkpoint not found: {tmp_path}; expected the workdir"):
        checkpoint.find(tmp_path)
