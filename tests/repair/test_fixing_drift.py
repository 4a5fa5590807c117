"""Files whose sound drifts, with the offset of flashes and clicks as the score."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from avsync.repair import job
from avsync.repair.fixes import Fix
from avsync.repair.fixing import Fixer
from avsync.repair.mover import Mover
from avsync.repair.remux import Moved, Request
from avsync.scoring.video.clip_scorer import no_progress
from tests.repair import flashes
from tests.repair.flashes import FORMS, DriftScorer

# 24 s: the offset is measured in windows of 3 s, and 6 of them at least.
NUM_TURNS = 8


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sound that drifts in a Matroska and an MP4 file, and sound that jumps."""
    folder = tmp_path_factory.mktemp("clips")
    for name, late, rate in (("slow.mkv", 0.1, 0.01), ("fast.mp4", 0.0, -0.005)):
        form = FORMS[name[-3:]]
        flashes.write(
            folder / name, form, late_seconds=late, rate=rate, num_turns=NUM_TURNS, num_tracks=2
        )
    times = np.arange(NUM_TURNS * flashes.NUM_FRAMES) / 25
    times[len(times) // 2 :] += 0.2
    flashes.write(folder / "jumps.mkv", FORMS["mkv"], num_turns=NUM_TURNS, times=times.tolist())
    return folder


@pytest.fixture(scope="module")
def mover() -> Iterator[Mover]:
    with contextlib.closing(Mover()) as mover:
        yield mover


def test_sound_that_drifts_is_fixed_and_sound_that_jumps_is_left(clips, mover, tmp_path: Path):
    files = {clips / name: tmp_path / name for name in ("slow.mkv", "fast.mp4", "jumps.mkv")}
    fixes: list[Fix] = []
    job.fix_files(files, Fixer(DriftScorer(), mover), tmp_path, add=fixes.append, notes=[])
    slow, fast, jumps = fixes
    assert [fix.status for fix in fixes] == ["fixed", "fixed", "changing"]
    assert slow.offset_before == pytest.approx(0.1, abs=0.005)
    assert (slow.drift_before, slow.stretch) == pytest.approx((600, 0.01), rel=0.03)
    assert fast.drift_before == pytest.approx(-300, abs=15)
    assert "sound drifts by +600 ms a minute, from +0.10 s at the first picture" in slow.message
    assert ": picture stretched by +0.999 %; " in slow.message
    assert "sound tracks 1 and 2 moved 0.10 s earlier" in slow.message
    assert "; by an edit, not by a steady drift" in jumps.message
    for fix in (slow, fast):
        times, late = flashes.delays(tmp_path / fix.path.name)
        assert np.abs(late).max() < 0.01
        assert np.polyfit(times, late, 1)[0] == pytest.approx(0, abs=4e-4)
        assert fix.drift_after == pytest.approx(0, abs=20)
    assert not (tmp_path / "jumps.mkv").exists()

    lines = [json.loads(line) for line in (tmp_path / "fixes.jsonl").read_text().splitlines()]
    assert lines[0]["stretch"] == pytest.approx(slow.stretch)
    assert lines[0]["drift_after"] == pytest.approx(slow.drift_after, abs=0.001)
    assert lines[2]["stretch"] is None
    again: list[Fix] = []
    first = {clips / "slow.mkv": tmp_path / "slow.mkv"}
    job.fix_files(first, Fixer(DriftScorer(), mover), tmp_path, add=again.append, notes=[])
    assert again[0].message == "an earlier job made this copy"
    assert again[0].stretch == pytest.approx(slow.stretch)


def test_a_dry_run_says_the_offset_and_the_rate(clips, mover, tmp_path: Path):
    fix = Fixer(DriftScorer(), mover).plan(clips / "fast.mp4", on_progress=no_progress)
    assert fix.status == "would_fix"
    assert fix.stretch == pytest.approx(-0.005, rel=0.05)
    assert fix.message.startswith("sound drifts by -")
    assert "ms a minute, from " in fix.message
    assert ": picture stretched by -0." in fix.message


class _Wrong:
    """Stretches the picture by a part of what is asked for."""

    def __init__(self, mover: Mover, share: float):
        self._mover, self._share = mover, share

    def move(self, request: Request) -> Moved:
        return self._mover.move(request._replace(stretch=request.stretch * self._share))


def test_a_copy_that_still_drifts_is_stretched_once_more_and_then_not_kept(
    clips, mover, tmp_path: Path
):
    out = tmp_path / "out.mkv"
    path = clips / "slow.mkv"
    nearly = Fixer(DriftScorer(), _Wrong(mover, 0.8))
    fix = nearly.fix(path, out, on_progress=no_progress)
    assert fix.status == "fixed"
    assert fix.stretch == pytest.approx(0.012, rel=0.03)
    out.unlink()
    backwards = Fixer(DriftScorer(), _Wrong(mover, -0.5))
    fix = backwards.fix(path, out, on_progress=no_progress)
    assert (fix.status, fix.is_good) == ("still_out_of_sync", False)
    assert "stretched, it is not in sync either: sound drifts by +" in fix.message
    assert list(tmp_path.iterdir()) == []


def test_a_copy_whose_drift_is_not_known_is_not_kept(clips, mover, tmp_path: Path):
    class Forgetful(DriftScorer):
        def score(self, path: Path, **options: object):
            result = super().score(path, **options)
            if len(self.scored) > 1:
                object.__setattr__(result, "timeline", None)
            return result

    out = tmp_path / "out.mkv"
    fix = Fixer(Forgetful(), mover).fix(clips / "slow.mkv", out, on_progress=no_progress)
    assert fix.status == "still_out_of_sync"
    assert "too little speech to tell its drift" in fix.message
    assert not out.exists()


def test_both_sounds_of_a_file_stay_bit_by_bit_and_the_picture_too(clips, mover, tmp_path: Path):
    Fixer(DriftScorer(), mover).fix(
        clips / "slow.mkv", tmp_path / "out.mkv", on_progress=no_progress
    )
    data = []
    for path in (clips / "slow.mkv", tmp_path / "out.mkv"):
        with av.open(str(path)) as container:
            streams = {s.index: b"" for s in container.streams}
            for packet in container.demux():
                streams[packet.stream.index] += bytes(packet)
        data.append(streams)
    assert data[0] == data[1]
    assert min(map(len, list(data[0].values())[:3])) > 1000
