"""Files fixed one by one and by the job, with the offset of flashes and clicks as the score."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from avsync.repair import job
from avsync.repair.fixes import Fix
from avsync.repair.fixing import Fixer
from avsync.repair.mover import Mover
from avsync.repair.places import copies
from avsync.repair.remux import Moved, Request
from avsync.scoring.video.clip_scorer import no_progress
from avsync.scoring.video.results import OffsetSegment, VideoResult
from tests.repair import flashes
from tests.repair.flashes import FORMS, FlashScorer, measured_seconds


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a late clip, one in sync, and an early one further down."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "inner").mkdir()
    flashes.write(folder / "late.mkv", FORMS["mkv"], late_seconds=0.24)
    flashes.write(folder / "good.mp4", FORMS["mp4"], late_seconds=0.03)
    flashes.write(folder / "inner" / "early.mp4", FORMS["mp4"], late_seconds=-0.12)
    (folder / "text.mp4").write_text("no video")
    return folder


@pytest.fixture(scope="module")
def mover() -> Iterator[Mover]:
    with contextlib.closing(Mover()) as mover:
        yield mover


def run(fixer: Fixer, places: list[Path], out_dir: Path) -> dict[str, Fix]:
    files = [f for place in places for f in (sorted(place.rglob("*.m*")) or [place])]
    fixes: list[Fix] = []
    outs = copies(files, list(map(str, places)), out_dir)
    job.fix_files(outs, fixer, out_dir, add=fixes.append, notes=[])
    return {fix.path.name: fix for fix in fixes}


def test_each_file_is_fixed_or_left_and_the_reason_is_written(clips, mover, tmp_path: Path):
    scorer = FlashScorer()
    fixes = run(Fixer(scorer, mover), [clips], tmp_path)
    statuses = {name: fix.status for name, fix in fixes.items()}
    assert statuses == {
        "late.mkv": "fixed",
        "good.mp4": "in_sync",
        "early.mp4": "fixed",
        "text.mp4": "not_scored",
    }
    late = fixes["late.mkv"]
    assert (late.offset_before, late.offset_after, late.moved_seconds) == (0.24, 0.0, -0.24)
    assert late.message == "sound moved 0.24 s earlier; all else begins 0.24 s later"
    assert fixes["early.mp4"].message == "sound moved 0.12 s later"
    assert fixes["text.mp4"].message.startswith("not_media: ")
    written = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert written == {"late.mkv", "inner/early.mp4", "fixes.jsonl"}
    assert measured_seconds(tmp_path / "inner" / "early.mp4") == pytest.approx(0, abs=0.003)

    lines = [json.loads(line) for line in (tmp_path / "fixes.jsonl").read_text().splitlines()]
    (line,) = [line for line in lines if line["status"] == "in_sync"]
    assert line["path"] == str(clips / "good.mp4")
    assert (line["out"], line["offset_before"], line["offset_after"]) == (None, 0.04, None)

    num_scored = len(scorer.scored)
    again = run(Fixer(scorer, mover), [clips], tmp_path)
    assert {name: fix.status for name, fix in again.items()} == statuses
    assert again["late.mkv"].message == "an earlier job made this copy"
    assert again["late.mkv"].offset_before == 0.24
    assert len(scorer.scored) == num_scored + 2  # those without a copy


def test_what_is_not_the_copy_of_the_file_is_never_overwritten(clips, mover, tmp_path: Path):
    fixer = Fixer(FlashScorer(), mover)
    (tmp_path / "late.mkv").write_text("mine")
    fix = run(fixer, [clips / "late.mkv"], tmp_path)["late.mkv"]
    assert fix.status == "exists"
    assert "remove it, or choose another --out" in fix.message
    assert (tmp_path / "late.mkv").read_text() == "mine"

    copied = tmp_path / "sources" / "late.mkv"
    copied.parent.mkdir()
    shutil.copy(clips / "late.mkv", copied)
    content = copied.read_bytes()
    fix = run(fixer, [copied], copied.parent)["late.mkv"]
    assert (fix.status, "choose another" in fix.message) == ("exists", True)
    assert copied.read_bytes() == content

    out = tmp_path / "out"
    files = {clips / "late.mkv": out / "x.mkv", clips / "good.mp4": out / "X.mkv"}
    fixes: list[Fix] = []
    job.fix_files(files, fixer, out, add=fixes.append, notes=[])
    assert [fix.status for fix in fixes] == ["fixed", "exists"]
    assert "is the copy of" in fixes[1].message


def test_copies_in_a_folder_that_is_read_are_not_read_again(tmp_path: Path):
    (tmp_path / "a" / "fixed").mkdir(parents=True)
    paths = [tmp_path / "a" / name for name in ("x.mp4", "b/y.mp4", "fixed/x.mp4")]
    outs = copies(paths, [str(tmp_path / "a")], tmp_path / "a" / "fixed")
    fixed = tmp_path / "a" / "fixed"
    assert outs == {paths[0]: fixed / "x.mp4", paths[1]: fixed / "b" / "y.mp4"}
    with pytest.raises(ValueError, match="choose another folder"):
        copies(paths, [str(tmp_path / "a")], tmp_path)
    with pytest.raises(ValueError, match="they are copies already"):
        copies(paths[2:], [str(tmp_path / "a")], fixed)


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(clips, mover, tmp_path: Path):
    fixes: list[Fix] = []
    outs = {clips / name: tmp_path / name for name in ("late.mkv", "good.mp4")}
    job.plan_files(outs, Fixer(FlashScorer(), mover), add=fixes.append, notes=[])
    assert [fix.status for fix in fixes] == ["would_fix", "in_sync"]
    assert fixes[0].moved_seconds == -0.24
    assert fixes[0].message == "sound moved 0.24 s earlier; all else begins 0.24 s later"
    assert list(tmp_path.iterdir()) == []


class _Wrong:
    """Moves the sound by a part of what is asked for."""

    def __init__(self, mover: Mover, share: float):
        self._mover, self._share = mover, share

    def move(self, request: Request) -> Moved:
        return self._mover.move(request._replace(late_seconds=request.late_seconds * self._share))


def test_a_copy_that_is_not_in_sync_is_moved_once_more_and_then_not_kept(
    clips, mover, tmp_path: Path
):
    out = tmp_path / "out.mkv"
    path = clips / "late.mkv"
    # 0.24 · 0.7 leaves 0.07 s, which is 2 frames; (0.24 + 0.08) · 0.7 leaves less than a frame.
    nearly = Fixer(FlashScorer(), _Wrong(mover, 0.7))
    fix = nearly.fix(path, out, on_progress=no_progress)
    assert (fix.status, fix.offset_after) == ("fixed", 0.0)
    assert fix.moved_seconds == pytest.approx(-0.32)
    out.unlink()
    backwards = Fixer(FlashScorer(), _Wrong(mover, -1.0))
    fix = backwards.fix(path, out, on_progress=no_progress)
    assert (fix.status, fix.is_good) == ("still_out_of_sync", False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("offsets", "is_certain", "status", "message"),
    [
        ((6,), False, "uncertain", "no offset is certain: measured"),
        ((0, 6), True, "changing", "in sync until 1.5 s, then out of sync by +0.24 s"),
        ((0, 1), True, "in_sync", "in sync within 40 ms"),
    ],
)
def test_an_offset_that_is_not_certain_or_changes_is_not_mended(
    clips, mover, tmp_path: Path, offsets, is_certain, status, message
):
    class Scorer:
        def score(self, path: Path, **_: object) -> VideoResult:
            return VideoResult(
                path=str(path),
                offset_frames=offsets[-1],
                offset_seconds=offsets[-1] / 25,
                offset_is_certain=is_certain,
                offsets=tuple(
                    OffsetSegment(1.5 * i, 1.5 * (i + 1), frames)
                    for i, frames in enumerate(offsets)
                ),
                message="measured",
            )

    out = tmp_path / "out.mkv"
    fix = Fixer(Scorer(), mover).fix(clips / "late.mkv", out, on_progress=no_progress)
    assert fix.status == status
    assert message in fix.message
    assert not out.exists()


def test_a_file_that_disappears_or_an_error_in_avsync_does_not_end_the_job(mover, tmp_path: Path):
    class Scorer:
        def score(self, path: Path, **_: object) -> VideoResult:
            if path.name == "gone.mkv":
                raise FileNotFoundError(2, "No such file or directory", str(path))
            raise TypeError("a defect")

    fixes: list[Fix] = []
    outs = {tmp_path / name: tmp_path / "out" / name for name in ("gone.mkv", "defect.mkv")}
    job.fix_files(outs, Fixer(Scorer(), mover), tmp_path, add=fixes.append, notes=[])
    assert [fix.status for fix in fixes] == ["failed", "failed"]
    assert "No such file" in fixes[0].message
    assert "TypeError at test_fixing.py" in fixes[1].message
