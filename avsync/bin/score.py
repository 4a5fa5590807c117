"""Scores the lip sync of video files, and finds their A/V offset and their suspicious segments.

    avsync-score --out=scores video.mp4 another.mkv folder/
    avsync-score --out=scores --checkpoint=runs/avh_align --weights=weights/avhubert video.mp4
    avsync-score --out=scores --metric=lse --checkpoint=weights/syncnet folder/

Writes scores.jsonl as files are done, scores.json and one picture per scored file, and prints a
table. A file without a face or sound, or a broken one, gets a status instead of a score. With
--metric=lse, each scored file also has LSE-D and LSE-C, and lse.json has their means.
"""

import contextlib
import functools
from pathlib import Path

from absl import flags

from avsync import lookup, pretrained
from avsync.bin import _limit_flags, _metric_flag, _model_flags
from avsync.bin.base import UsageError, existing, run_binary
from avsync.files import file_lock
from avsync.media.reading import ProcessReader

CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "WORKDIR[/checkpoints/STEP] or hf://OWNER/NAME. Default: the shipped scorer.",
)
OUT = flags.DEFINE_string("out", None, "Folder for scores and pictures.", required=True)
RATE = flags.DEFINE_float(
    "false_alarm_rate", 0.05, "Target false-alarm rate on the calibration clips.", 1e-6, 0.999
)
DETECTOR = flags.DEFINE_string("detector", "trees68", "Face and landmark detector.")
for module in (_model_flags, _metric_flag, _limit_flags):
    flags.adopt_module_key_flags(module)


def main(arguments: list[str]) -> None:
    paths = _paths(arguments)
    try:
        # Before JAX is imported: wrong names are reported at once.
        existing(CHECKPOINT.value or str(pretrained.GRID), "checkpoint")
        parts = _model_flags.parts()
        lookup.require("detector", DETECTOR.value, lookup.names("media.landmarks"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    out_dir = Path(OUT.value).expanduser()
    # What fails at once comes first. The worker reads the first file while JAX is imported.
    reading = contextlib.closing(ProcessReader(DETECTOR.value, limits=_limit_flags.limits()))
    with file_lock(out_dir / "scores.jsonl"), reading as reader:
        for first in paths[:1]:
            reader.look_ahead(first)
        from avsync import runtime

        runtime.start()
        options = {"reader": reader, "false_alarm_rate": RATE.value}
        try:
            scorer = _metric_flag.load_scorer(CHECKPOINT.value, parts=parts, **options)
        except ValueError as error:
            raise UsageError(str(error)) from error
        report = _metric_flag.score_files(paths, scorer, out_dir=out_dir)
    report.print_table()
    print(f"details: {out_dir}")
    if not report.num_scored:
        raise ValueError(f"none of {len(paths)} files could be scored")


def _paths(arguments: list[str]) -> list[Path]:
    """The files named, and the files in the folders named."""
    places = [Path(argument).expanduser() for argument in arguments]
    if not any(place.exists() for place in places):
        raise UsageError(f"not found: {', '.join(arguments)}" if arguments else "no VIDEO given")
    files = (sorted(place.iterdir()) if place.is_dir() else [place] for place in places)
    return [path for paths in files for path in paths if not path.is_dir()]


run = functools.partial(run_binary, main, positional="VIDEO")

if __name__ == "__main__":
    run()
