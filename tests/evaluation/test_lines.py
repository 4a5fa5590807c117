"""A line is the same before and after its file, and unsound lines are refused by name."""

import json
import subprocess
import sys

import pytest

from avsync.evaluation.lines import (
    REQUIRED_FIELDS,
    Line,
    by_view,
    offsets_of_reals,
    read_lines,
    write_lines,
)

LINE = Line(
    "r0", "original", 0, category="RV-RA", manipulation="real", identity="ann", num_frames=2,
    offset_frames=-1, offset_margin=0.5, scores={"alignment": 1.5}, poolings={"mean": 1.0},
)  # fmt: skip


def test_lines_are_read_as_they_were_written(tmp_path):
    lines = [LINE, LINE.replace(view="trimmed", scores={"alignment": None}, is_calibrated=True)]
    write_lines(lines, [[1.0, 2.0], []], tmp_path)
    assert read_lines(tmp_path / "scores.jsonl") == [
        LINE.replace(fake_segments=[]),
        lines[1].replace(fake_segments=[]),
    ]
    frames = [json.loads(text) for text in (tmp_path / "frames.jsonl").read_text().splitlines()]
    assert frames == [
        {"clip_id": "r0", "view": "original", "frame_scores": [1.0, 2.0]},
        {"clip_id": "r0", "view": "trimmed", "frame_scores": []},
    ]


def test_only_calibrated_lines_have_a_p_value():
    assert list(LINE.to_json()) == list(REQUIRED_FIELDS)
    calibrated = LINE.replace(is_calibrated=True, p_value=0.25)
    assert calibrated.to_json() == {**LINE.to_json(), "p_value": 0.25}


def test_offsets_are_those_of_judged_real_clips():
    known = LINE.replace(view="trimmed", offset_frames=2)
    others = [
        LINE.replace(offset_frames=9),  # the original view of the same clip
        known.replace(clip_id="fake", label=1),
        known.replace(clip_id="short", offset_frames=None),
        known.replace(clip_id="silent", status="all_silent"),
    ]
    offsets, num_left_out = offsets_of_reals([known, *others])
    assert (offsets.tolist(), num_left_out) == ([2], 2)


def test_a_broken_line_is_named_by_file_and_number(tmp_path):
    path = tmp_path / "scores.jsonl"
    record = LINE.to_json()
    del record["offset_margin"]
    path.write_text(f"{json.dumps(LINE.to_json())}\n{json.dumps(record)}\n")
    with pytest.raises(ValueError, match=r"scores\.jsonl:2 .* missing fields \['offset_margin'\]"):
        read_lines(path)
    path.write_text(json.dumps({**LINE.to_json(), "colour": 1}))
    with pytest.raises(ValueError, match=r"unknown fields \['colour'\]"):
        read_lines(path)
    path.write_text('{"clip_id": "r')
    with pytest.raises(ValueError, match=r"scores\.jsonl:1 "):
        read_lines(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"view": "trimed"}, "clip r0: view must be one of .* got 'trimed'"),
        ({"label": 2}, "clip r0: label must be 0 or 1, got 2"),
    ],
)
def test_a_line_with_an_unknown_view_or_label_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        LINE.replace(**change)


def test_a_clip_with_two_lines_in_a_view_is_refused():
    with pytest.raises(ValueError, match="clip r0 has two lines in view 'original'"):
        by_view([LINE, LINE])


def test_no_lines_are_refused():
    with pytest.raises(ValueError, match="no scored clips"):
        by_view([])


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_score_that_is_not_finite_counts_as_missing(value):
    line = LINE.replace(scores={"alignment": value})
    assert line.score("alignment") is None
    assert line.score("other") is None
    assert LINE.score("alignment") == 1.5


def test_lines_are_read_without_jax_and_tensorflow():
    code = "import avsync.evaluation.lines, sys; print({'jax', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
