"""What all tests share: shapes are checked, binaries run as a user runs them, data made once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import pytest

# Every jaxtyping annotation of avsync is checked while the tests run; free otherwise.
jaxtyping.install_import_hook("avsync", "beartype.beartype")

ROOT = Path(__file__).parent.parent

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The real clips and reference vectors; skips, saying so, where they are absent."""
    folder = Path(os.environ.get("AVSYNC_TESTDATA", ROOT.parent / "shared" / "testdata"))
    if not folder.is_dir():
        message = f"no test data at {folder}; set AVSYNC_TESTDATA to its place"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def binary_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment that binaries are run in: what one of them compiled, the next one finds."""
    return {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


@pytest.fixture(scope="session")
def run_binary(binary_environment: dict[str, str]) -> Run:
    """`run_binary("train", "--config=…", devices=2)`: the finished process, whatever its status."""

    def run(
        name: str, *arguments: str, devices: int = 1, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        flags = f"--xla_force_host_platform_device_count={devices}"
        return subprocess.run(
            [sys.executable, "-m", f"avsync.bin.{name}", *arguments],
            cwd=ROOT,
            env={**binary_environment, "XLA_FLAGS": flags},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """A data_dir in which `synthetic_talkers/tiny` lies prepared, as the binary makes it."""
    data_dir = tmp_path_factory.mktemp("data")
    done = run_binary("prepare", "--dataset=synthetic_talkers/tiny", f"--data_dir={data_dir}")
    assert done.returncode == 0, done.stderr
    return data_dir
