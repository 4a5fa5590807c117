"""avsync-fix as a user runs it, on real clips and with the shipped scorer."""

import json
import re
from pathlib import Path

import av
import numpy as np
import pytest
import soxr

from avsync.datasets.grid import split_by_speaker
from avsync.repair.content import differences, read_content
from avsync.units import FRAMES_PER_SECOND
from tests import odd_files
from tests.conftest import Run
from tests.repair.flashes import FORMS, OPTIONS, SOUND_RATE, Form, encode_sound

# A clip that the shipped scorer was not trained or calibrated on.
HELD_OUT = "bbaf4p"


def write_shifted(clip: Path, path: Path, form: Form, *, late_seconds: float) -> Path:
    """A real clip, encoded anew with its sound late or early; both streams begin at 0."""
    frames, sound = odd_files.read(clip)
    shift = round(late_seconds * odd_files.SOUND_RATE)
    length = sound.shape[1]
    moved = np.pad(sound[0], (max(0, shift), max(0, -shift)))[max(0, -shift) :][:length]
    samples = soxr.resample(moved.astype(np.float32), odd_files.SOUND_RATE, SOUND_RATE)
    with av.open(str(path), "w") as out:
        video = out.add_stream(form.video, rate=FRAMES_PER_SECOND)
        video.height, video.width = frames.shape[1:]
        video.pix_fmt, video.bit_rate = "yuv420p", 1_000_000
        video.options = OPTIONS.get(form.video, {})
        track = out.add_stream(form.audio, rate=SOUND_RATE)
        packets = encode_sound(track, samples)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts = number
            packets += video.encode(frame)
        for packet in [*packets, *video.encode(None)]:
            out.mux(packet)
    return path


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
    videos = {f"s1_{path.stem}": path for path in (testdata / "grid_s1" / "video").glob("*.mkv")}
    held_out = split_by_speaker(dict.fromkeys(sorted(videos), "s1"))["test"]
    for clip, (name, seconds) in zip(held_out, kinds, strict=False):
        path = folder / f"{clip}.{FORMS[name].suffix}"
        write_shifted(videos[clip], path, FORMS[name], late_seconds=seconds)
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
