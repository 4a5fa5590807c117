"""A file of lines read by key: whole lines only, the last of a key counts."""

import json

import pytest

from avsync.json_lines import LineFile


def test_lines_are_read_by_key_and_the_last_of_a_key_counts(tmp_path):
    lines = LineFile(tmp_path / "a.jsonl", key="path", kept=("n",))
    for number, path in enumerate(["a", "b", "a", "\udce9"]):
        lines.append({"path": path, "n": number, "text": "é"})
    again = LineFile(tmp_path / "a.jsonl", key="path", kept=("n",))
    for file in (lines, again):
        assert list(file) == ["a", "b", "\udce9"]
        assert [record["n"] for record in file.records(["\udce9", "x", "a"])] == [3, 2]
        assert (file.known("a"), file.known("x"), file.num_outdated) == ({"n": 2}, None, 1)
    lines.compact()
    assert [json.loads(line)["n"] for line in lines.path.read_text().splitlines()] == [2, 1, 3]
    lines.append({"path": "c", "n": 4})
    assert [record["n"] for record in lines.records("cb")] == [4, 1]


def test_what_a_kill_left_of_the_last_line_is_cut_off_and_the_next_line_is_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"path": "a"}\n{"path": "b", "te')
    lines = LineFile(path, key="path")
    assert list(lines) == ["a"]
    lines.append({"path": "b"})
    assert path.read_bytes() == b'{"path": "a"}\n{"path": "b"}\n'


@pytest.mark.parametrize("line", ["no json", "[1]", '{"name": "a"}', ""])
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"path": "a"}}\n{line}\n{{"path": "b"}}\n')
    with pytest.raises(
        ValueError, match=r"a\.jsonl:2 is damaged: it is no JSON object with 'path'"
    ):
        LineFile(path, key="path")


def test_the_lines_of_another_file_are_taken_over(tmp_path):
    one, other = (LineFile(tmp_path / name, key="path") for name in ("one", "other"))
    one.append({"path": "a", "n": 0})
    other.append({"path": "b", "n": 1})
    other.append({"path": "a", "n": 2})
    one.absorb(other.path)
    assert not other.path.exists()
    one.compact(only={"a"})
    assert one.path.read_text() == '{"path": "a", "n": 2}\n'
