"""Scores many files: none of them ends the job."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from avsync import runtime
from avsync.processes import JobError, described
from avsync.scoring.video.clip_scorer import OnProgress
from avsync.scoring.video.results import VideoResult


@runtime_checkable
class FileScorer(Protocol):
    """A `VideoScorer` or an `LseScorer`."""

    def score(self, path: Path, *, on_progress: OnProgress, following: Path | None) -> VideoResult:
        """The result of a file."""
        ...


def score_files(
    paths: Sequence[Path],
    scorer: FileScorer,
    *,
    add: Callable[[VideoResult], None],
    notes: Sequence[str] = (),
) -> None:
    """Calls `add` with the result of each file, in order; shows `notes`, then the progress.

    An unexpected error in a file is its status "failed", with the place of the error. Raises
    `JobError` if no file can be scored, and whatever `add` raises.
    """
    with runtime.Progress("scoring", total=len(paths)) as progress:
        for note in notes:
            progress.say(note)
        for number, path in enumerate(paths, start=1):
            following = paths[number] if number < len(paths) else None
            try:
                shown = progress.within(path.name)
                result = scorer.score(path, on_progress=shown, following=following)
            except JobError:
                raise
            except Exception as error:
                result = VideoResult(path=str(path), status="failed", message=described(error))
            add(result)
            progress.advance_to(number, path.name)
