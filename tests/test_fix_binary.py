"""avsync-fix as a user runs it, on real clips and with the shipped scorer."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.grid import split_by_speaker
from avsync.repair.content import differences, read_content
from tests.conftest import Run
from tests.repair import real_files
from tests.repair.flashes import FORMS, Form

# A clip that the shipped scorer was not trained or calibrated on.
HELD_OUT = "bbaf4p"


def write_shifted(clip: Path, path: Path, form: Form, *, late_seconds: float) -> Path:
    """A real clip, encoded anew with its sound late or early; both streams begin at 0."""
    return real_files.write(path, form, real_files.joined([clip]), late_seconds=late_seconds)


def held_out(testdata: Path) -> list[Path]:
    """The clips of the test split of grid/by_clip, on which nothing was trained or calibrated."""
    videos = {f"s1_{path.stem}": path for path in (testdata / "grid_s1" / "video").glob("*.mkv")}
    return [videos[clip] for clip in split_by_speaker(dict.fromkeys(sorted(videos), "s1"))["test"]]


def lines(out: Path) -> dict[str, dict]:
    """The line of each file in fixes.jsonl."""
    read = map(json.loads, (out / "fixes.jsonl").read_text().splitlines())
    return {Path(line["path"]).name: line for line in read}


def require_same_streams(source: Path, copy: Path, *, moved_seconds: float) -> None:
    """The copy holds the packets of the source, with the sound moved against the picture."""
    before, after = read_content(source).streams, read_content(copy).streams
    later = [moved_seconds if stream.kind == "audio" else 0.0 for stream in before]
    assert differences(before, after, later=later) == []


@pytest.mark.grid
def test_a_late_file_is_fixed_and_others_are_left(testdata: Path, tmp_path: Path, run_binary: Run):
    folder, out = tmp_path / "videos", tmp_path / "fixed"
    folder.mkdir()
    clip = testdata / "grid_s1" / "video" / f"{HELD_OUT}.mkv"
    write_shifted(clip, folder / "late.mp4", FORMS["mp4"], late_seconds=0.2)
    (folder / "text.mp4").write_text("no video")
    done = run_binary("fix", f"--out={out}", folder, clip)
    assert done.returncode == 1, done.stderr
    assert "1 of 3 files are not in sync" in done.stderr
    found = lines(out)
    statuses = {name: line["status"] for name, line in found.items()}
    assert statuses == {"late.mp4": "fixed", "text.mp4": "not_scored", clip.name: "in_sync"}
    late = found["late.mp4"]
    assert late["offset_before"] == pytest.approx(0.2, abs=0.041)
    assert abs(late["offset_after"]) <= 0.041
    copy, moved_seconds = out / "late.mp4", late["moved_seconds"]
    require_same_streams(folder / "late.mp4", copy, moved_seconds=moved_seconds)
    assert re.search(r"late\.mp4 +\+0\.\d\d s +[+-]0\.0\d s +fixed +sound moved", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out=/tmp/x", "--checkpoint=/nowhere", __file__], "checkpoint not found: /nowhere"),
        (["--out={folder}", "{folder}/inner"], "choose another folder for copies"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_message(
    tmp_path: Path, run_binary: Run, arguments, message
):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.mp4").touch()
    done = run_binary("fix", *(argument.format(folder=tmp_path) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.grid
def test_forty_files_of_five_containers_are_in_sync_afterwards(
    testdata: Path, tmp_path: Path, run_binary: Run
):
    """Clips of the test split of grid/by_clip, each with another shift and container."""
    folder, out = tmp_path / "videos", tmp_path / "fixed"
    folder.mkdir()
    shifts = (-0.48, -0.36, -0.2, -0.12, 0.12, 0.2, 0.36, 0.48)
    kinds = [(name, seconds) for name in FORMS for seconds in shifts]
    truth = {}
    for clip, (name, seconds) in zip(held_out(testdata), kinds, strict=False):
        path = folder / f"{clip.stem}.{FORMS[name].suffix}"
        write_shifted(clip, path, FORMS[name], late_seconds=seconds)
        truth[path.name] = seconds
    done = run_binary("fix", f"--out={out}", folder)
    print(done.stdout)
    found = lines(out)
    assert found.keys() == truth.keys()
    fixed = {name: line for name, line in found.items() if line["status"] == "fixed"}
    # Two clips in a hundred measure another offset where they are in sync, and three have an
    # offset that is not certain.
    assert len(fixed) >= 38, done.stdout
    for name, line in fixed.items():
        assert line["moved_seconds"] == pytest.approx(-truth[name], abs=0.041)
        assert abs(line["offset_after"]) <= 0.041
        require_same_streams(folder / name, out / name, moved_seconds=line["moved_seconds"])
    assert done.returncode == (0 if len(fixed) == len(truth) else 1)


# Containers, the rate at which the sound gets later, how late it is at the start.
DRIFTS = [
    ("mp4", 0.005, 0.1),
    ("mp4", -0.001, 0.06),
    ("mov", 0.002, -0.2),
    ("mov", -0.005, 0.0),
    ("mkv", 0.001, 0.0),
    ("mkv", -0.003, 0.2),
    ("webm", 0.003, -0.1),
    ("webm", -0.002, 0.05),
    ("ts", 0.005, -0.3),
    ("ts", -0.005, 0.15),
]


@pytest.mark.slow
@pytest.mark.grid
def test_drift_is_mended_in_five_containers_and_neither_an_edit_nor_natural_sync_is(
    testdata: Path, tmp_path: Path, run_binary: Run
):
    """Files of a minute, 20 clips of the test split each, in another order for each file."""
    folder, out = tmp_path / "videos", tmp_path / "fixed"
    folder.mkdir()
    clips, rng = held_out(testdata), np.random.default_rng(7)

    def write(name: str, number: int, **changes: float) -> None:
        chosen = [clips[i] for i in rng.permutation(len(clips))[:20]]
        recording = real_files.joined(chosen)
        path = folder / f"{number:02}.{FORMS[name].suffix}"
        real_files.write(path, FORMS[name], recording, **changes)

    for number, (name, rate, late) in enumerate(DRIFTS):
        # Of every second file the picture is too fast or slow, not the sound.
        key = "rate" if number % 2 else "picture_rate"
        write(name, number, late_seconds=late, **{key: rate})
    for number, jump in enumerate((0.0, 0.0, 0.12, -0.2, 0.08), start=len(DRIFTS)):
        write("mkv", number, jump_seconds=jump)
    done = run_binary("fix", f"--out={out}", folder, timeout=1800)
    print(done.stdout)
    found = list(lines(out).values())
    by_number = {int(Path(line["path"]).stem): line for line in found}
    drifts, others = range(len(DRIFTS)), range(len(DRIFTS), len(by_number))
    fixed = [number for number in drifts if by_number[number]["status"] == "fixed"]
    for number in fixed:
        line, (_, rate, late) = by_number[number], DRIFTS[number]
        path = Path(line["path"])
        left = 60_000 * ((1 + rate) / (1 + line["stretch"]) - 1)
        print(path.name, f"{left:+.1f} ms a minute left; measured {line['drift_after']:+.1f}")
        # Sentences that are in sync lie 8 ms beside each other: 10 ms a minute for 20 of them.
        assert abs(left) <= 35
        assert line["moved_seconds"] == pytest.approx(-late, abs=0.03)
        before, after = read_content(path).streams, read_content(out / path.name).streams
        assert [stream.digest for stream in before] == [stream.digest for stream in after]
    # A drift of 60 ms in all, between 0 and 60 ms, may be measured as sound in sync within 40.
    assert len(fixed) >= len(DRIFTS) - 1, done.stdout
    # Of the others, sound in place is left as it is, and none is stretched.
    assert [by_number[number]["status"] for number in others[:2]] == ["in_sync"] * 2
    assert not any(by_number[number]["stretch"] for number in others)
    assert {by_number[number]["status"] for number in others[2:]} == {"changing"}
