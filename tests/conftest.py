"""What all tests share: shapes are checked, and the real clips are found or their absence is said."""

import os
from pathlib import Path

import jaxtyping
import pytest

# Every jaxtyping annotation of avsync is checked while the tests run; free otherwise.
jaxtyping.install_import_hook("avsync", "beartype.beartype")


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The folder with the real clips and reference vectors; skips, saying so, where it is absent."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("AVSYNC_TESTDATA", root.parent / "shared" / "testdata"))
    if not folder.is_dir():
        message = f"no test data at {folder}; set AVSYNC_TESTDATA to its place"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
