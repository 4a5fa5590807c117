"""Files are short enough to read in one sitting, and each says what it is for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAX_LINES = 300

# These are read most, and grow fastest.
MAX_LINES_OF = {"avsync/train/loop.py": 120, "avsync/bin/*.py": 80}


def files(*folders: str) -> list[str]:
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [path.relative_to(ROOT).as_posix() for path in paths]


def max_lines(file: str) -> int:
    # base.py is what the binaries share, not one of them.
    patterns = [p for p in MAX_LINES_OF if Path(file).match(p) and not file.endswith("/base.py")]
    return min([MAX_LINES_OF[pattern] for pattern in patterns], default=MAX_LINES)


@pytest.mark.parametrize("file", files("avsync", "configs", "tests"))
def test_a_file_is_short_enough_to_read_at_once(file):
    num_lines = len((ROOT / file).read_text().splitlines())
    assert num_lines <= max_lines(file), f"{file}: split it by subject"


@pytest.mark.parametrize("file", files("avsync", "configs"))
def test_a_module_says_what_it_is_for(file):
    assert ast.get_docstring(ast.parse((ROOT / file).read_text())), f"{file}: no docstring"


def test_the_loop_and_the_binaries_are_the_shortest():
    assert (ROOT / "avsync/train/loop.py").is_file()
    assert max_lines("avsync/train/loop.py") == 120
    assert max_lines("avsync/bin/train.py") == 80
    assert max_lines("avsync/pp/silence.py") == max_lines("tests/test_style.py") == 300
