"""Scores any videos: do the lips fit the sound, where not, and by how much are they out of sync?

    avsync-score --out=scores my.mp4 other.mkv folder/

Writes scores.json, a picture for each video that has a score, and a line for each to the terminal.
A video without a face, without sound, or broken has a status that says so in place of a score.
"""

import functools
from pathlib import Path

from absl import flags

from avsync import pretrained
from avsync.bin.base import UsageError, existing, run_binary, suppress_stderr

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "WORKDIR or WORKDIR/checkpoints/STEP; by default, what avsync comes with."
)
OUT = flags.DEFINE_string("out", None, "Where scores.json and pictures go.", required=True)
RATE = flags.DEFINE_float(
    "false_alarm_rate",
    0.05,
    "Of reals as are compared with, so many may be alarms.",
    1e-6,
    0.999,
)
DETECTOR = flags.DEFINE_string("detector", "trees68", "What finds faces and their landmarks.")


def main(arguments: list[str]) -> None:
    paths = _paths(arguments)
    place = existing(CHECKPOINT.value or str(pretrained.GRID), "checkpoint")
    with suppress_stderr():  # and not at the top: --help need not wait for TensorFlow
        from avsync import build, checkpoint, runtime
        from avsync.media.landmarks.base import load_detector
        from avsync.reports.video.report import Report
        from avsync.scoring.video.inspector import Inspector
        from avsync.scoring.video.reference import Reference

        runtime.start()
    try:
        workdir, step = checkpoint.find(place)
        kept = checkpoint.read_calibration(workdir, step)
        scorer = build.load_scorer(workdir, step, extraction=None)
        detector = load_detector(DETECTOR.value)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if kept:  # only scores by the same rules can be compared
        scorer = scorer._replace(frame_score=kept["frame"], pooling=kept["pooling"])
    caution = "" if CHECKPOINT.value else pretrained.CAUTION
    reference = Reference(kept, false_alarm_rate=RATE.value, caution=caution)
    inspector = Inspector(scorer, reference, detector=detector)
    report = Report(Path(OUT.value).expanduser(), reference)
    with runtime.Progress("scoring", total=len(paths)) as progress:
        for number, path in enumerate(paths, start=1):
            report.add(inspector.inspect(path))
            progress.advance_to(number, path.name)
    report.print_table()
    print(f"details: {Path(OUT.value).expanduser()}")
    if not report.num_scored:
        raise ValueError(f"none of {len(paths)} files could be scored")


def _paths(arguments: list[str]) -> list[Path]:
    """The files, and those in the folders, that are named."""
    places = [Path(argument).expanduser() for argument in arguments]
    if not any(place.exists() for place in places):
        missing = f", {', '.join(arguments)} is not there" if arguments else ""
        raise UsageError(f"name at least one video{missing}")
    found = [sorted(place.iterdir()) if place.is_dir() else [place] for place in places]
    return [path for paths in found for path in paths if not path.is_dir()]


run = functools.partial(run_binary, main, positional="VIDEO")

if __name__ == "__main__":
    run()
