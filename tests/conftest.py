"""Shared by all tests: shapes are checked, binaries run as a user runs them, data made once."""

import fcntl
import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import pytest

from tests import warm

# Every jaxtyping annotation of avsync is checked while the tests run; free otherwise.
jaxtyping.install_import_hook("avsync", "beartype.beartype")

# As in the binaries: TensorFlow without Keras starts faster.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

ROOT = Path(__file__).parent.parent

Run = Callable[..., subprocess.CompletedProcess[str]]
Process = warm.Program | subprocess.Popen[str]
Start = Callable[..., Process]


# Tests run each program for moments; optimising it fully would take seconds.
LIGHTLY_OPTIMISED = "--xla_backend_optimization_level=1"


def pytest_configure(config: pytest.Config) -> None:
    """Shares compiled programs between tests, the binaries that they run, and workers."""
    os.environ["XLA_FLAGS"] = LIGHTLY_OPTIMISED
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="avsync_tests_compiled_")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    if warm.SOCKET not in os.environ and "AVSYNC_TESTS_COLD" not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="avsync_tests_"))
        server = warm.start_server(folder, ROOT)
        os.environ[warm.SOCKET] = str(folder / "warm")
        config.add_cleanup(lambda: (server.communicate(), shutil.rmtree(folder)))
    if config.getoption("dist", "no") == "no":  # not where workers do the testing
        for package in warm.HEAVY:
            importlib.import_module(package)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs whole programs first: short tests then fill the workers' time at the end."""
    items.sort(key=lambda item: item.path.parent != ROOT / "tests")


def environment(*, devices: int) -> dict[str, str]:
    """The environment of a program that sees this many devices; it shares compiled programs."""
    flags = f"{LIGHTLY_OPTIMISED} --xla_force_host_platform_device_count={devices}"
    return {**os.environ, "XLA_FLAGS": flags}


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The real clips and reference vectors; skips the test if they are absent."""
    folder = Path(os.environ.get("AVSYNC_TESTDATA", ROOT.parent / "shared" / "testdata"))
    if not folder.is_dir():
        message = f"no test data at {folder}; set AVSYNC_TESTDATA to its place"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def run_binary() -> Run:
    """`run_binary("train", "--config=…", devices=2)`: the finished process, whatever its status."""

    def run(
        name: str, *arguments: str, devices: int = 1, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        return warm.run(
            f"avsync.bin.{name}",
            [*map(str, arguments)],
            cwd=ROOT,
            env=environment(devices=devices),
            timeout=timeout,
        )

    return run


@pytest.fixture(scope="session")
def start_binary() -> Start:
    """`start_binary("train", "--config=…")`: the running process, to be signalled and waited for.

    With `session` it leads a session of its own, so that its workers can be killed with it.
    """

    def start(name: str, *arguments: str, devices: int = 1, session: bool = False) -> Process:
        return warm.start(
            f"avsync.bin.{name}",
            [*map(str, arguments)],
            cwd=ROOT,
            env=environment(devices=devices),
            session=session,
        )

    return start


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """A data_dir with `synthetic_talkers/tiny`, prepared by the binary.

    It is the same for all workers; nothing may be written there.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    data_dir = shared / "tiny_data"
    with (shared / "tiny_data.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first prepares it, the others wait
        if not data_dir.exists():
            place = f"--data_dir={data_dir}"
            done = run_binary("prepare", "--dataset=synthetic_talkers/tiny", place)
            assert done.returncode == 0, done.stderr
    return data_dir
