"""Writes video files again with sound and picture moved to where they fit, without re-encoding.

    avsync-fix --out=fixed video.mp4 another.mkv folder/
    avsync-fix --dry_run --out=fixed folder/

Each file is scored. If its sound is out of sync by a certain offset, its streams are copied to
--out with the sound moved; if it drifts at a certain rate, with the picture stretched, too. The
copy is scored as well, and kept only if it is in sync. A file that is in sync, or whose offset is
not certain or jumps, is not copied. Containers: MP4, MOV, 3GP, Matroska, WebM, MPEG transport
streams. fixes.jsonl in --out has a line for each file, and says why there is no copy. The exit
status is 0 if each file, or its copy, is in sync, 1 otherwise.
"""

import contextlib
import functools
from pathlib import Path

from absl import flags

from avsync import lookup, pretrained
from avsync.bin import _limit_flags, _model_flags
from avsync.bin.base import UsageError, existing, run_binary
from avsync.media.folders import named_files
from avsync.media.process_reader import ProcessReader
from avsync.repair.places import copies

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "WORKDIR[/checkpoints/STEP] or hf://OWNER/NAME; default: the shipped one."
)
OUT = flags.DEFINE_string("out", None, "Folder for the copies and fixes.jsonl.", required=True)
DRY_RUN = flags.DEFINE_bool("dry_run", False, "Only print what would be done; write nothing.")
TOLERANCE = flags.DEFINE_float("tolerance_ms", 40, "Sound that is so late or early is in sync.", 0)
TRACK = flags.DEFINE_integer(
    "audio_track", None, "Sound to score, from 1; other tracks of its length move with it.", 1
)
DETECTOR = flags.DEFINE_string("detector", "trees68", "Face and landmark detector.")
for module in (_model_flags, _limit_flags):
    flags.adopt_module_key_flags(module)


def main(arguments: list[str]) -> None:
    out_dir = Path(OUT.value).expanduser()
    try:
        paths, notes = named_files(arguments)
        outs = copies(paths, arguments, out_dir)
        existing(CHECKPOINT.value or str(pretrained.GRID), "checkpoint")
        parts = {"weights": _model_flags.parts()["encoder"], "dtype": _model_flags.DTYPE.value}
        lookup.require("detector", DETECTOR.value, lookup.names("media.landmarks"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    limits, track = _limit_flags.limits(), TRACK.value
    reading = ProcessReader(DETECTOR.value, limits=limits, audio_track=track)
    with contextlib.closing(reading) as reader:
        reader.look_ahead(paths[0])  # while JAX is imported
        import avsync
        from avsync import runtime
        from avsync.repair import fixing, job, mover
        from avsync.reports.fix import Report

        runtime.start()
        try:
            scorer = avsync.load_scorer(CHECKPOINT.value, reader=reader, **parts)
        except ValueError as error:
            raise UsageError(str(error)) from error
        report, seconds = Report(), TOLERANCE.value / 1000
        with contextlib.closing(mover.Mover(limits)) as moving:
            fixer = fixing.Fixer(scorer, moving, seconds, audio_track=track)
            if DRY_RUN.value:
                job.plan_files(outs, fixer, add=report.add, notes=notes)
            else:
                job.fix_files(outs, fixer, out_dir, add=report.add, notes=notes)
    report.print_table()
    if bad := len(outs) - report.num_good:
        raise ValueError(f"{bad} of {len(outs)} files are not in sync")


run = functools.partial(run_binary, main, positional="VIDEO")

if __name__ == "__main__":
    run()
