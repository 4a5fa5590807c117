"""Scores the lip sync of video files, and finds their A/V offset and their suspicious segments.

    avsync-score --out=scores video.mp4 another.mkv folder/
    avsync-score --out=scores --checkpoint=runs/avh_align --weights=weights/avhubert video.mp4
    avsync-score --out=scores --tolerance=ebu folder/
    avsync-score --out=scores --metric=lse --checkpoint=weights/syncnet folder/

Of a folder, the files at any depth that have the suffix of a video are scored; a file that is named
is always tried. Writes scores.jsonl as files are done, scores.json and one picture per scored file,
and prints a table. A file without a face or sound, or a broken one, gets a status instead of a
score. With --metric=lse, each scored file also has LSE-D and LSE-C, and lse.json has their means.
"""

import contextlib
import functools
from pathlib import Path

from absl import flags

from avsync import lookup, pretrained
from avsync.bin import _limit_flags, _metric_flag, _model_flags, _tolerance_flag
from avsync.bin.base import UsageError, existing, run_binary, say
from avsync.files import file_lock
from avsync.media.folders import named_files
from avsync.media.process_reader import ProcessReader

CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "WORKDIR[/checkpoints/STEP] or hf://OWNER/NAME. Default: the shipped scorer.",
)
OUT = flags.DEFINE_string("out", None, "Folder for scores and pictures.", required=True)
RATE = flags.DEFINE_float(
    "false_alarm_rate", 0.05, "Target false-alarm rate on the calibration clips.", 1e-6, 0.999
)
TRACK = flags.DEFINE_integer(
    "audio_track", None, "Sound track to score, from 1. Default: the file's default one.", 1
)
DETECTOR = flags.DEFINE_string("detector", "trees68", "Face and landmark detector.")
for module in (_model_flags, _metric_flag, _limit_flags, _tolerance_flag):
    flags.adopt_module_key_flags(module)


def main(arguments: list[str]) -> None:
    try:
        paths, notes = named_files(arguments)
        # Before JAX is imported: wrong names are reported at once.
        existing(CHECKPOINT.value or str(pretrained.GRID), "checkpoint")
        parts = _model_flags.parts()
        lookup.require("detector", DETECTOR.value, lookup.names("media.landmarks"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    out_dir, tolerance = Path(OUT.value).expanduser(), _tolerance_flag.parsed()
    # What fails at once comes first. The worker reads the first file while JAX is imported.
    limits = _limit_flags.limits()
    reading = ProcessReader(DETECTOR.value, limits=limits, audio_track=TRACK.value)
    with file_lock(out_dir / "scores.jsonl"), contextlib.closing(reading) as reader:
        reader.look_ahead(paths[0])
        from avsync import runtime

        runtime.start()
        options = {"reader": reader, "false_alarm_rate": RATE.value, "tolerance": tolerance}
        try:
            scorer = _metric_flag.load_scorer(CHECKPOINT.value, parts=parts, **options)
        except ValueError as error:
            raise UsageError(str(error)) from error
        report = _metric_flag.score_files(paths, scorer, out_dir=out_dir, notes=notes)
    report.print_table()
    say(f"details: {out_dir}")
    if not report.num_scored:
        raise ValueError(f"none of {len(paths)} files could be scored")
    _tolerance_flag.check(report.num_not_tolerated, num_files=len(paths))


run = functools.partial(run_binary, main, positional="VIDEO")

if __name__ == "__main__":
    run()
