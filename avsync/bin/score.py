"""Scores the lip sync of video files, and finds their A/V offset and their suspicious segments.

    avsync-score --out=scores video.mp4 another.mkv folder/
    avsync-score --out=scores --checkpoint=runs/avh_align --weights=weights/avhubert video.mp4
    avsync-score --out=scores --metric=lse --checkpoint=weights/syncnet folder/

Of a folder, the files at any depth that have the suffix of a video are scored; a file that is named
is always tried. Writes scores.json and one picture per scored file, and prints a table. A file
without a face or sound, or a broken one, gets a status instead of a score. With --metric=lse, each
scored file also has LSE-D and LSE-C, as papers on talking heads report them, and lse.json has their
means.
"""

import functools
from pathlib import Path

from absl import flags

from avsync import lookup, pretrained
from avsync.bin import _metric_flag, _model_flags
from avsync.bin.base import UsageError, existing, run_binary, say
from avsync.media.folders import named_files

CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "WORKDIR[/checkpoints/STEP], or hf://OWNER/NAME. Default: the shipped scorer.",
)
OUT = flags.DEFINE_string("out", None, "Folder for scores.json and the pictures.", required=True)
RATE = flags.DEFINE_float(
    "false_alarm_rate", 0.05, "Target false-alarm rate on the calibration clips.", 1e-6, 0.999
)
DETECTOR = flags.DEFINE_string("detector", "trees68", "Face and landmark detector.")
flags.adopt_module_key_flags(_model_flags)
flags.adopt_module_key_flags(_metric_flag)


def main(arguments: list[str]) -> None:
    try:
        paths, notes = named_files(arguments)
        # Before JAX is imported: wrong names are reported at once.
        existing(CHECKPOINT.value or str(pretrained.GRID), "checkpoint")
        parts = _model_flags.parts()
        lookup.require("detector", DETECTOR.value, lookup.names("media.landmarks"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    from avsync import runtime

    runtime.start()
    try:
        scorer = _metric_flag.load_scorer(
            CHECKPOINT.value, parts=parts, detector=DETECTOR.value, false_alarm_rate=RATE.value
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    out_dir = Path(OUT.value).expanduser()
    report = _metric_flag.make_report(out_dir, scorer)
    with runtime.Progress("scoring", total=len(paths)) as progress:
        for note in notes:
            progress.say(note)
        for number, path in enumerate(paths, start=1):
            report.add(scorer.score(path, on_progress=progress.within(path.name)))
            progress.advance_to(number, path.name)
    report.print_table()
    say(f"details: {out_dir}")
    if not report.num_scored:
        raise ValueError(f"none of {len(paths)} files could be scored")


run = functools.partial(run_binary, main, positional="VIDEO")

if __name__ == "__main__":
    run()
