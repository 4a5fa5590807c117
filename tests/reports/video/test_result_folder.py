"""A folder of results is gone on with: what is done stays, everything else is scored."""

import json
import os
from pathlib import Path

import pytest

from avsync.files import Content, stamp
from avsync.reports.video.job import Explained
from avsync.reports.video.record import make_record
from avsync.reports.video.result_folder import open_folder
from avsync.scoring.video.results import VideoResult
from avsync.scoring.video.video_scorer import Origin
from avsync.types import Host

FRAMES = {"is_realigned": False, "faces": []}


NO_PICTURES = Explained("none")


def record(path: Path, status: str = "ok") -> dict:
    return make_record(
        VideoResult(path=str(path), status=status),
        content=Content(None, stamp(path)),
        thresholds={},
        origin=Origin(),
    )


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.mp4" for name in "abcd"]
    for path in paths[:3]:
        path.write_text(path.name)
    return paths  # the last one is missing


def left(
    out: Path, paths: list[Path], *, retry: bool = False, explained: Explained = NO_PICTURES
) -> list[str]:
    unfinished = explained.is_missing
    with open_folder(out) as folder:
        pending = folder.pending(paths, retry_failed=retry, is_unfinished=unfinished)
        return [path.stem for path in pending.paths]


def test_files_that_lack_a_picture_or_a_page_asked_for_are_not_done(tmp_path, paths):
    out = tmp_path / "out"
    a, b, c, _ = paths
    with open_folder(out) as folder:
        folder.check_settings({"model": "m"})
        folder.add(record(a, "ok") | {"verdict": "consistent"}, None)
        folder.add(record(b, "ok") | {"verdict": "mismatched", "picture": "b.png"}, None)
        folder.add(record(c, "no_face"), None)
    assert left(out, paths[:3]) == []
    assert left(out, paths[:3], explained=Explained("flagged")) == []
    assert left(out, paths[:3], explained=Explained("all")) == ["a"]
    assert left(out, paths[:3], explained=Explained("flagged", with_pages=True)) == ["b"]
    assert left(out, paths[:3], explained=Explained("all", with_pages=True)) == ["a", "b"]


def test_files_that_are_done_are_left_out_unless_they_changed_or_failed(tmp_path, paths):
    out = tmp_path / "out"
    a, b, c, d = paths
    with open_folder(out) as folder:
        folder.check_settings({"model": "m"})
        for path, status in ((a, "ok"), (b, "no_face"), (d, "missing_file")):
            folder.add(record(path, status), None)
    assert left(out, paths) == ["c"]
    assert left(out, paths, retry=True) == ["b", "c", "d"]
    d.write_text("there now")
    os.utime(a, (1, 1))
    assert left(out, paths) == ["a", "c", "d"]

    with open_folder(out) as folder:
        folder.check_settings({"model": "m"})
        folder.add(record(a, "no_face"), None)
        folder.close()
        statuses = [found["status"] for found in folder.records([b, a, c])]
        assert statuses == ["no_face", "no_face"]
    lines = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    assert [Path(line["path"]).stem for line in lines] == ["a", "b", "d"]


def test_results_with_other_settings_are_refused_and_the_difference_is_named(tmp_path, paths):
    out = tmp_path / "out"
    with open_folder(out) as folder:
        folder.check_settings({"model": "one", "detector": "trees68"})
    with open_folder(out) as folder:
        folder.check_settings({"model": "two", "detector": "trees68"})  # no results yet
        folder.add(record(paths[0]), None)
    with (
        open_folder(out) as folder,
        pytest.raises(ValueError, match=r"made with model=two, not model=one, .* choose another"),
    ):
        folder.check_settings({"model": "one", "detector": "trees68"})
    (out / "settings.json").unlink()
    with (
        open_folder(out) as folder,
        pytest.raises(ValueError, match=r"another version of avsync, without settings\.json"),
    ):
        folder.check_settings({"model": "two", "detector": "trees68"})


def test_a_second_job_in_the_folder_is_refused(tmp_path):
    with (
        open_folder(tmp_path),
        pytest.raises(ValueError, match=r"in use by another process, which holds scores\.lock"),
        open_folder(tmp_path),
    ):
        pass


def test_frame_scores_without_a_record_are_dropped(tmp_path, paths):
    out = tmp_path / "out"
    with open_folder(out, with_frames=True) as folder:
        folder.check_settings({})
        for path in paths[:2]:
            folder.add(record(path), FRAMES | {"path": str(path)})
    lines = (out / "scores.jsonl").read_bytes()
    (out / "scores.jsonl").write_bytes(lines[:-10])  # killed while writing the second
    with open_folder(out, with_frames=True) as folder:
        assert folder.pending(paths, retry_failed=False).num_done == 1
    (frames,) = map(json.loads, (out / "frames.jsonl").read_text().splitlines())
    assert frames["path"] == str(paths[0])


def test_processes_share_the_files_and_the_first_merges_what_they_found(tmp_path, paths):
    out = tmp_path / "out"
    with (
        open_folder(out, host=Host(0, 2), with_frames=True) as first,
        open_folder(out, host=Host(1, 2), with_frames=True) as second,
    ):
        first.check_settings({})
        shares = [each.pending(paths, retry_failed=False).paths for each in (first, second)]
        assert sorted(shares[0] + shares[1]) == paths
        for folder, share in ((first, shares[0]), (second, shares[1])):
            for path in share:
                folder.add(record(path), FRAMES | {"path": str(path)})
        second.close()
        first.close()
        found = [found["path"] for found in first.records(paths)]
    assert found == list(map(str, paths))
    assert len((out / "frames.jsonl").read_text().splitlines()) == len(paths)
    assert not (out / "parts").exists()


def test_the_parts_of_killed_processes_are_merged_by_the_next_job(tmp_path, paths):
    out = tmp_path / "out"
    with open_folder(out, host=Host(0, 2)), open_folder(out, host=Host(1, 2)) as second:
        for path in paths:
            second.add(record(path), None)
    (part,) = (out / "parts").glob("1-scores.jsonl")
    part.write_bytes(part.read_bytes()[:-10])
    assert left(out, paths) == ["d"]
