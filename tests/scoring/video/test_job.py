"""No file ends a job: what goes wrong in one is its status."""

from pathlib import Path

import pytest

from avsync.processes import JobError
from avsync.scoring.video.job import score_files
from avsync.scoring.video.results import VideoResult

PATHS = [Path("a.mp4"), Path("b.mp4"), Path("c.mp4")]


class Scorer:
    """Scores every file but `bad`."""

    def __init__(self, bad: str, error: Exception):
        self.bad, self.error = bad, error
        self.announced: list[Path | None] = []

    def score(self, path: Path, *, on_progress, following: Path | None) -> VideoResult:
        del on_progress
        self.announced.append(following)
        if path.name == self.bad:
            raise self.error
        return VideoResult(path=str(path))


def test_an_unexpected_error_is_the_status_of_its_file_with_the_place():
    results: list[VideoResult] = []
    scorer = Scorer("b.mp4", IndexError("no such frame"))
    score_files(PATHS, scorer, add=results.append)
    assert [result.status for result in results] == ["ok", "failed", "ok"]
    assert results[1].message.startswith("IndexError at test_job.py:")
    assert results[1].message.endswith(": no such frame")
    assert scorer.announced == [*PATHS[1:], None]


def test_an_error_of_the_whole_job_ends_it_after_what_was_scored():
    results: list[VideoResult] = []
    with pytest.raises(JobError, match="disk"):
        score_files(PATHS, Scorer("b.mp4", JobError("the disk is full")), add=results.append)
    assert [result.path for result in results] == ["a.mp4"]
