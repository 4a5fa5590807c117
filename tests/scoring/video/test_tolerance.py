"""Limits of the A/V offset: which are known, and which offsets they let pass."""

import pytest

from avsync.scoring.video.tolerance import Tolerance, parse, tolerated


def test_names_and_numbers():
    assert parse("ebu") == Tolerance("ebu", 40, 60)
    assert parse("itu") == Tolerance("itu", 45, 125)
    assert parse("20,40.5") == Tolerance("20,40.5", 20, 40.5)


@pytest.mark.parametrize("text", ["EBU", "40", "40,-60", "a,b", "", "1,2,3", "nan,1"])
def test_anything_else_is_an_error_that_shows_the_way_out(text):
    with pytest.raises(ValueError, match="such as 40,60"):
        parse(text)


@pytest.mark.parametrize(
    ("offsets", "passes"),
    [
        ([0.06], True),
        ([0.061], False),
        ([-0.04], True),
        ([-0.041], False),
        ([0.0, 0.2], False),
        (None, None),
        ([], None),
    ],
)
def test_all_offsets_of_a_file_must_pass(offsets, passes):
    found = tolerated(parse("ebu"), offsets)
    assert found.passes is passes
    assert found.to_json() == {"name": "ebu", "lead_ms": 40, "lag_ms": 60, "passes": passes}
