"""Speed, memory and shares of avsync-score on many short clips, and on their results.

    python -m tests.benchmarks.many_files --clips=grid_s1/video --number=200 --workers=1,2
    python -m tests.benchmarks.many_files --clips=grid_s1/video --number=1000 --workers=2 --memory
    python -m tests.benchmarks.many_files --clips=grid_s1/video --shares
    python -m tests.benchmarks.many_files --lines=100000

Runs with different numbers of workers alternate, so that a machine that is shared slows all of them
alike. Clips per second are those between the first result and the last. CPU seconds are those of
the whole job with its workers, and those per clip leave out the start, as a job of two clips takes.
"""

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.reports.video.job import Explained
from avsync.reports.video.record import example_values
from avsync.reports.video.report import Report
from avsync.reports.video.result_folder import open_folder
from avsync.reports.video.rule import Rule
from avsync.reports.video.tables import PathLists
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.video_scorer import Origin

POLL_SECONDS = 0.05


class Run(NamedTuple):
    """A finished job.

    memory: (seconds, MiB of the model's process, MiB of all workers) while it ran.
    """

    clips_per_second: float
    wall_seconds: float
    cpu_seconds: float
    memory: list[tuple[float, float, float]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, help="folder of clips; repeated if they are few")
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pictures", default="none")
    parser.add_argument("--memory", action="store_true", help="print memory over time")
    parser.add_argument("--shares", action="store_true", help="print CPU seconds by stage")
    parser.add_argument("--lines", type=int, help="time what is done with so many results")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if args.lines:
            time_results(Path(folder), args.lines)
        elif args.shares:
            print_shares(some_clips(args.clips, Path(folder), min(args.number, 20)))
        else:
            compare_workers(args, Path(folder))


def some_clips(source: Path, folder: Path, number: int) -> Path:
    """A folder of links to `number` clips of `source`, each as often as needed."""
    clips = sorted(path.absolute() for path in source.iterdir() if path.is_file())
    (folder / "clips").mkdir()
    for index, clip in zip(range(number), itertools.cycle(clips), strict=False):
        (folder / "clips" / f"{index:05}_{clip.name}").symlink_to(clip)
    return folder / "clips"


def compare_workers(args: argparse.Namespace, folder: Path) -> None:
    clips = some_clips(args.clips, folder, args.number)
    two = sorted(clips.iterdir())[:2]
    start = score(two, folder / "start", workers=1, pictures=args.pictures).cpu_seconds
    print(f"start, with two clips: {start:.1f} CPU s", flush=True)
    for number in range(args.rounds):
        for workers in map(int, args.workers.split(",")):
            out = folder / f"{number}-{workers}"
            run = score([clips], out, workers=workers, pictures=args.pictures)
            each = (run.cpu_seconds - start) / (args.number - 2)
            print(
                f"{workers} workers: {run.clips_per_second:.2f} clips/s, {run.wall_seconds:.0f} s, "
                f"{run.cpu_seconds:.0f} CPU s, {each:.3f} CPU s a further clip",
                flush=True,
            )
            if args.memory:
                for seconds, model, others in run.memory[:: max(1, len(run.memory) // 20)]:
                    print(f"  {seconds:6.0f} s: model {model:.0f} MiB, workers {others:.0f} MiB")


def score(places: Sequence[Path], out: Path, *, workers: int, pictures: str) -> Run:
    """Runs avsync-score."""
    before, began = cpu_seconds(), time.monotonic()
    options = [f"--out={out}", f"--workers={workers}", f"--pictures={pictures}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "avsync.bin.score", *options, *map(str, places)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    counts: list[tuple[float, int]] = []
    memory: list[tuple[float, float, float]] = []
    lines = out / "scores.jsonl"
    while process.poll() is None:
        time.sleep(POLL_SECONDS)
        now = time.monotonic() - began
        count = lines.read_bytes().count(b"\n") if lines.exists() else 0
        if count and (not counts or count > counts[-1][1]):
            counts.append((now, count))
            memory.append((now, *resident_mib(process.pid)))
    assert process.stderr is not None
    assert process.returncode == 0, process.stderr.read()
    (first, one), (last, all_clips) = counts[0], counts[-1]
    return Run(
        clips_per_second=(all_clips - one) / max(last - first, 1e-9),
        wall_seconds=time.monotonic() - began,
        cpu_seconds=cpu_seconds() - before,
        memory=memory,
    )


def cpu_seconds() -> float:
    """CPU seconds of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident_mib(pid: int) -> tuple[float, float]:
    """Resident memory of a process, and of its children together."""
    return _mib(pid), sum(_mib(child) for child in _children(pid))


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from map(int, task.read_text().split())
        except OSError:  # the thread has ended
            continue


def _mib(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def print_shares(clips: Path) -> None:
    """CPU seconds a clip of each stage, in this process."""
    import contextlib

    import avsync
    from avsync import files, runtime
    from avsync.reports.video.report import draw_png

    runtime.start()
    scorer = avsync.load_scorer()
    seconds: dict[str, float] = dict.fromkeys(("read", "model and scores", "hash", "picture"), 0.0)
    footage = scorer.reader.footage

    @contextlib.contextmanager
    def timed_footage(path: Path, **options: Any) -> Iterator[Any]:
        began = time.process_time()
        with footage(path, **options) as read:
            seconds["read"] += time.process_time() - began
            yield read

    paths = sorted(clips.iterdir())
    for path in paths[:2]:  # compiles
        draw_png(scorer.score(path), scorer.reference)
    scorer.reader.footage = timed_footage  # type: ignore[method-assign]
    for path in paths:
        began, read_before = time.process_time(), seconds["read"]
        result = scorer.score(path)
        scored = time.process_time()
        seconds["model and scores"] += scored - began - (seconds["read"] - read_before)
        files.sha256(path)
        hashed = time.process_time()
        draw_png(result, scorer.reference)
        seconds["hash"] += hashed - scored
        seconds["picture"] += time.process_time() - hashed
    for name, total in seconds.items():
        print(f"{name}: {total / len(paths):.4f} CPU s a clip")


def time_results(folder: Path, number: int) -> None:
    """Prints the seconds that each use of `number` results takes."""
    (folder / "clips").mkdir()
    paths = [folder / "clips" / f"{index:06}.mp4" for index in range(number)]
    for path in paths:
        path.touch()
    began = time.monotonic()
    write_results(folder / "out", paths)
    print(f"{number:,} results written line by line: {time.monotonic() - began:.1f} s", flush=True)

    began = time.monotonic()
    with open_folder(folder / "out") as opened:
        pending = opened.pending(paths, retry_failed=False)
        print(f"read, and what is left found: {time.monotonic() - began:.1f} s", flush=True)
        assert pending.num_done == number
        began = time.monotonic()
        report = Report(opened, paths, _reference(), origin=Origin(), explained=Explained())
        rule = Rule("abs(offset_ms) <= 40 and p_value > 0.05", known=example_values())
        keep, drop = folder / "keep.txt", folder / "drop.txt"
        report.write_all([lambda _: PathLists(rule, keep=keep, drop=drop)])
        print(f"table, lists and page written: {time.monotonic() - began:.1f} s", flush=True)
        report.print_all()
    for name in ("scores.jsonl", "scores.csv", "summary.html"):
        print(f"{name}: {(folder / 'out' / name).stat().st_size / 1e6:.1f} MB")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {peak:.0f} MiB")


def _reference() -> Reference:
    from tests.scoring.video.results import REFERENCE

    return REFERENCE


def write_results(out: Path, paths: Sequence[Path]) -> None:
    """Results of these files in any order; every tenth has no score."""
    from avsync.files import Content, stamp
    from avsync.reports.video.record import make_record
    from avsync.scoring.video.results import VideoResult
    from tests.scoring.video.results import scored, video_result

    rng = np.random.default_rng(0)
    with open_folder(out) as folder:
        folder.check_settings({})
        for index in rng.permutation(len(paths)):
            path = str(paths[index])
            result = VideoResult(path=path, status="no_face", message="no face is visible")
            if index % 10:
                result = video_result(scored(float(rng.gamma(2, 0.4))), path=path, seconds=0.04)
            thresholds = {"score": 1.0, "false_alarm_rate": 0.05}
            content = Content(f"{index:064x}", stamp(paths[index]))
            origin = Origin("0" * 16)
            record = make_record(result, content=content, thresholds=thresholds, origin=origin)
            folder.add(record, None)


if __name__ == "__main__":
    main()
