"""Several files are scored at a time, and none ends the job: what goes wrong is its status."""

import threading
from pathlib import Path

import pytest

from avsync.media.reading import DirectReader
from avsync.processes import JobError
from avsync.scoring.video.job import score_files
from avsync.scoring.video.results import VideoResult

PATHS = [Path(f"{name}.mp4") for name in "abcde"]


class Reader(DirectReader):
    """Reads nothing; knows whether it was interrupted."""

    def __init__(self) -> None:
        self.is_interrupted = False

    def interrupt(self) -> None:
        self.is_interrupted = True


class Scorer:
    """Scores every file; `bad` raises `error`, and `slow` lasts until the job is over."""

    def __init__(self, bad: str = "", error: Exception | None = None, slow: str = ""):
        self.bad, self.error, self.slow = bad, error, slow
        self.announced: list[tuple[str, Path | None]] = []
        self.reader = Reader()

    def score(self, path: Path, *, on_progress, following: Path | None) -> VideoResult:
        self.announced.append((path.name, following))
        on_progress("faces", 1, 2)
        if path.name == self.bad and self.error:
            raise self.error
        while path.name == self.slow:
            on_progress("faces", 1, 2)
        return VideoResult(path=str(path))


def threads() -> list[threading.Thread]:
    """The threads of a job that are left."""
    return [thread for thread in threading.enumerate() if "_score_all" in thread.name]


def run(scorers: list[Scorer], *, add=None) -> list[VideoResult]:
    results: list[VideoResult] = []
    score_files(
        PATHS,
        scorers,
        finish=lambda path, result, reader: (result, reader),
        add=add or (lambda finished: results.append(finished[0])),
    )
    return results


def test_an_unexpected_error_is_the_status_of_its_file_with_the_place():
    scorer = Scorer("b.mp4", IndexError("no such frame"))
    results = run([scorer])
    assert [result.status for result in results] == ["ok", "failed", "ok", "ok", "ok"]
    assert results[1].message.startswith("IndexError at test_job.py:")
    assert results[1].message.endswith(": no such frame")
    names = [path.name for path in PATHS]
    assert scorer.announced == list(zip(names, [*PATHS[1:], None], strict=True))


def test_each_file_is_scored_once_by_one_of_several_scorers_and_the_first_in_order():
    scorers = [Scorer(), Scorer(), Scorer()]
    results = run(scorers)
    assert sorted(result.path for result in results) == [path.name for path in PATHS]
    assert [scorer.announced[0][0] for scorer in scorers] == ["a.mp4", "b.mp4", "c.mp4"]
    assert sum(len(scorer.announced) for scorer in scorers) == len(PATHS)
    assert threads() == []


def test_an_error_of_the_whole_job_ends_it_after_what_was_scored_and_no_thread_is_left():
    results: list[VideoResult] = []
    scorers = [Scorer("c.mp4", JobError("the disk is full")), Scorer(slow="b.mp4")]
    with pytest.raises(JobError, match="disk"):
        run(scorers, add=lambda finished: results.append(finished[0]))
    assert [result.path for result in results] == ["a.mp4"]
    assert all(scorer.reader.is_interrupted for scorer in scorers)
    assert threads() == []


def test_an_error_while_a_result_is_written_ends_the_job():
    def add(finished: object) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        run([Scorer(), Scorer(slow="b.mp4")], add=add)
    assert threads() == []
