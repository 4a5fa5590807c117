"""Fixes many files: none of them ends the job."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from avsync import names, runtime
from avsync.files import file_lock, remove_unfinished
from avsync.processes import JobError, described
from avsync.repair.fixes import LINES, Fix, Journal
from avsync.repair.fixing import Fixer
from avsync.scoring.video.clip_scorer import OnProgress


def plan_files(
    outs: Mapping[Path, Path], fixer: Fixer, *, add: Callable[[Fix], None], notes: Sequence[str]
) -> None:
    """Calls `add` with what would be done with each file; writes nothing.

    Raises `JobError` if no file can be scored.
    """

    def plan(path: Path, out: Path, on_progress: OnProgress) -> Fix:
        del out
        return fixer.plan(path, on_progress=on_progress)

    _each(outs, plan, add=add, notes=notes)


def fix_files(
    outs: Mapping[Path, Path],
    fixer: Fixer,
    out_dir: Path,
    *,
    add: Callable[[Fix], None],
    notes: Sequence[str],
) -> None:
    """Fixes each file; calls `add` with what became of it, once fixes.jsonl in `out_dir` has it.

    Raises `JobError` if no file can be scored, ValueError if another process uses `out_dir`, and
    OSError if it cannot be written.
    """
    with file_lock(out_dir / LINES):
        journal = Journal(out_dir)
        for folder in {out.parent for out in outs.values() if out.parent.is_dir()}:
            remove_unfinished(folder)
        taken: dict[str, Path] = {}

        def fix(path: Path, out: Path, on_progress: OnProgress) -> Fix:
            first = taken.setdefault(names.on_disk(out), path)
            if first is not path:
                message = f"{out} is the copy of {first}: give one of both another name or folder"
                return Fix(path=path, status="exists", message=message)
            if out.exists():
                return journal.finished(path, out) or _exists(path, out)
            out.parent.mkdir(parents=True, exist_ok=True)
            return fixer.fix(path, out, on_progress=on_progress)

        def add_to_both(result: Fix) -> None:
            journal.add(result)
            add(result)

        _each(outs, fix, add=add_to_both, notes=notes)


def _exists(path: Path, out: Path) -> Fix:
    if out.samefile(path):
        message = f"--out is the folder of {path}: choose another one"
    else:
        message = (
            f"{out} is there and is not the copy of this file by an earlier job: remove it, or "
            "choose another --out"
        )
    return Fix(path=path, status="exists", message=message)


def _each(
    outs: Mapping[Path, Path],
    work: Callable[[Path, Path, OnProgress], Fix],
    *,
    add: Callable[[Fix], None],
    notes: Sequence[str],
) -> None:
    """Does the work on each file, and shows the progress."""
    with runtime.Progress("fixing", total=len(outs)) as progress:
        for note in notes:
            progress.say(note)
        for number, (path, out) in enumerate(outs.items(), start=1):
            try:
                result = work(path, out, progress.within(path.name))
            except JobError:
                raise
            except OSError as error:
                if error.filename is None or Path(error.filename) != path:
                    raise  # the folder of the copies
                result = Fix(path=path, status="failed", message=str(error))
            except Exception as error:
                result = Fix(path=path, status="failed", message=described(error))
            add(result)
            progress.advance_to(number, path.name)
