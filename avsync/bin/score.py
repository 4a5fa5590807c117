"""Scores the lip sync of video files, and finds their A/V offset and their suspicious segments.

    avsync-score --out=scores video.mp4 another.mkv folder/
    avsync-score --out=scores --checkpoint=runs/avh_align --weights=weights/avhubert video.mp4
    avsync-score --out=scores --pictures=none --keep=keep.txt --where="abs(offset_ms) <= 40" folder/
    avsync-score --out=scores --tolerance=ebu --reals=own_real_videos/ folder/
    avsync-score --out=scores --metric=lse --checkpoint=weights/syncnet folder/

Of a folder, the files at any depth that have the suffix of a video are scored; a file that is named
is always tried. Writes scores.jsonl as files are done, and at the end scores.csv, scores.json,
summary.html and one picture per scored file (with --report, also a page). A file without a face or
sound, or a broken one, gets a status instead of a score. Killed and run again, it goes on where it
was. With --metric=lse, each scored file also has LSE-D and LSE-C, and lse.json has their means.
"""

import functools
from pathlib import Path

from absl import flags

from avsync import lookup, pretrained
from avsync.bin import _limit_flags, _list_flags, _metric_flag, _model_flags, _result_flags
from avsync.bin._reals_flag import calibrated, group
from avsync.bin._tolerance_flag import check_tolerance, parsed_tolerance
from avsync.bin.base import UsageError, existing, run_binary
from avsync.media.folders import named_files

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "WORKDIR[/checkpoints/STEP] or hf://OWNER/NAME; default: the shipped one."
)
OUT = flags.DEFINE_string("out", None, "Folder for scores and pictures.", required=True)
RATE = flags.DEFINE_float(
    "false_alarm_rate", 0.05, "Target false-alarm rate on the calibration clips.", 1e-6, 0.999
)
TRACK = flags.DEFINE_integer(
    "audio_track", None, "Sound track to score, from 1. Default: the file's default one.", 1
)
DETECTOR = flags.DEFINE_string("detector", "trees68", "Face and landmark detector.")
for module in (_model_flags, _metric_flag, _limit_flags, _result_flags, _list_flags):
    flags.adopt_module_key_flags(module)
for flag in ("reals", "group", "tolerance"):
    flags.declare_key_flag(flag)


def main(arguments: list[str]) -> None:
    try:
        paths, notes = named_files(arguments)
        # Before JAX is imported: wrong names are reported at once.
        existing(CHECKPOINT.value or str(pretrained.GRID), "checkpoint")
        parts, explained = _model_flags.parts(), _result_flags.explained()
        lookup.require("detector", DETECTOR.value, lookup.names("media.landmarks"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    out_dir, tolerance = Path(OUT.value).expanduser(), parsed_tolerance()
    _list_flags.require_consistent(out_dir, videos=paths)
    place, parts = calibrated(CHECKPOINT.value, parts, out_dir=out_dir, detector=DETECTOR.value)
    reading = {"detector": DETECTOR.value, "audio_track": TRACK.value}
    rate = {"false_alarm_rate": RATE.value, **group()}
    with _result_flags.opened(out_dir, paths, explained, **reading) as job:
        options = {"reader": job.readers[0], "tolerance": tolerance, **rate}
        scorer = _metric_flag.load_scorer(place, parts, **options)
        outputs = [*_metric_flag.outputs(), *_list_flags.outputs()]
        settings = {"metric": _metric_flag.METRIC.value, "dtype": parts["dtype"], **reading, **rate}
        settings |= {"frames": _result_flags.FRAMES.value, "tolerance": tolerance and tolerance[0]}
        from avsync.reports.video.report import score_job

        report = score_job(job, scorer, settings=settings, outputs=outputs, notes=notes)
    if report is None:
        return  # the first process has the results of all
    report.print_all()
    if not report.num_scored:
        raise ValueError(f"none of {len(paths)} files could be scored")
    check_tolerance(report.num_not_tolerated, num_files=len(paths))


run = functools.partial(run_binary, main, positional="VIDEO")

if __name__ == "__main__":
    run()
