"""Names from outside: safe to print, safe as file names, the same in every locale."""

import ast
import os
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from avsync import names
from tests.structure import PACKAGE

# Paths as Python has them: text, and bytes that are not UTF-8 as lone surrogates.
PATHS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.binary(max_size=300).map(lambda data: data.decode("utf-8", "surrogateescape")),
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("clip one.mp4", "clip one.mp4"),
        ("视频-é.mp4", "视频-é.mp4"),
        ("a\x1b[31mb\x07", "a\\x1b[31mb\\x07"),
        ("a\r\nb\u2028c", "a\\r\\nb\\u2028c"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("a\u200b\ufe0fb", "a\\u200b\\ufe0fb"),
        ("caf\udce9", "caf\\xe9"),
        ("caf\udcc3\udca9", "café"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_is_not_printable_becomes_a_visible_escape(name, shown):
    assert names.shown(name) == shown


@given(PATHS)
@example("\x1b[2J" * 100)
@example("视" * 500)
def test_a_shown_name_is_one_printable_line_of_bounded_length(name):
    shown = names.shown(name)
    assert shown.replace("\u3000", " ").isprintable()
    assert len(shown) <= names.MAX_SHOWN_CHARACTERS
    assert names.shown(shown) == shown
    shown.encode("utf-8")


def test_a_long_name_is_shortened_in_the_middle():
    shown = names.shown("a" * 300 + "\x1b" * 300 + "z.mp4")
    assert re.fullmatch(r"a+\.\.\.(\\x1b)+z\.mp4", shown)


@given(PATHS)
def test_a_message_keeps_its_lines_and_nothing_else_that_is_not_printable(name):
    lines = names.shown_text(f"first: {name}\nsecond").split("\n")
    assert len(lines) == 2 + name.count("\n")
    assert all(line.replace("\u3000", " ").isprintable() for line in lines)


@given(PATHS)
@example("")
@example("..")
@example("视" * 25)
@example("NUL.txt")
def test_a_stored_name_is_a_short_plain_file_name(name):
    for stored in (names.stored(name), names.stored_readable(names.portable(name))):
        assert len(stored.encode()) <= names.MAX_STORED_BYTES
        assert stored.isprintable()
        assert stored not in ("", ".", "..")
        assert stored[0] not in "-." and not set(stored) & set('/\\:*?"<>|\n$')
    assert re.fullmatch(r"[\w.%~-]+", names.stored(name), re.ASCII)


@given(PATHS, PATHS)
@example("a%20b", "a b")
@example("视" * 80 + "1", "视" * 80 + "2")
def test_different_names_are_stored_under_different_names(one, other):
    one, other = names.portable(one), names.portable(other)
    assert (names.stored(one) == names.stored(other)) == (one == other)
    readable = names.stored_readable(one) == names.stored_readable(other)
    assert readable == (one == other)


def test_the_stored_name_of_a_long_name_is_not_that_of_another_name():
    stored = names.stored("a" * 300)
    assert names.stored(stored) != stored


def test_short_names_are_stored_as_before():
    assert names.stored("id1/übung:0") == "id1%2F%C3%BCbung%3A0"
    assert names.stored_readable("my video (2) 视频") == "my video (2) 视频"


@given(PATHS)
def test_a_path_is_recorded_alike_in_every_locale(name):
    data = name.encode("utf-8", "surrogateescape")
    # As Python reads the path from a disk if the locale is C.
    in_c = data.decode("ascii", "surrogateescape")
    assert names.portable(in_c) == names.portable(name)
    assert names.text(in_c) == names.text(name)
    assert os.fsencode(names.local(names.portable(name))) == data
    names.text(name).encode("utf-8")


def test_no_text_file_is_opened_in_the_encoding_of_the_locale():
    assert [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path in PACKAGE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _opens_text(call)
    ] == []


def _opens_text(call: ast.Call) -> bool:
    """True for `read_text`, `write_text` and `open` in a text mode, without an encoding."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if name in ("read_text", "write_text"):
        return True
    modes = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    is_builtin = isinstance(call.func, ast.Name) and bool(call.args)
    is_of_path = isinstance(call.func, ast.Attribute) and set(map(type, call.args)) <= {
        ast.Constant
    }
    is_module = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in MODULES
    return (
        name == "open"
        and (is_builtin or is_of_path)
        and not is_module
        and (not any("b" in mode for mode in modes))
    )


# Their `open` is not that of a file with text.
MODULES = ("av", "os", "storage", "file", "archive", "coder")
