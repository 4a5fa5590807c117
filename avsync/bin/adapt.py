"""Adapts a scorer to your own real videos: trains, calibrates, and says what that gained or lost.

    avsync-adapt videos/ --out=runs/adapted
    avsync-adapt manifest.csv --out=runs/adapted --checkpoint=runs/open_talkers
    avsync-adapt manifest.csv --out=runs/calibrated --calibrate_only

The videos of a folder, or of a manifest with the columns path, label and perhaps identity, are
prepared and divided, by talker where all are named. Some fine-tune the scorer, some calibrate it,
and some test it before and after, with fakes made of them. Writes scorer/ with its model card,
adaptation.json, and the reports of all stages. Killed and run again, it goes on where it was.
"""

import functools
import os
from pathlib import Path

from absl import flags

from avsync import lookup, pretrained
from avsync.bin import _model_flags
from avsync.bin.base import UsageError, existing, run_binary, say, suppress_stderr
from avsync.config import files

OUT = flags.DEFINE_string("out", None, "Folder of all that is made.", required=True)
CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "WORKDIR[/checkpoints/STEP] or hf://OWNER/NAME, to start from. Default: the shipped scorer.",
)
CONFIG = flags.DEFINE_string("config", "adapt", "Recipe of the fine-tuning: NAME[:ARG] or PATH.py.")
WORKERS = flags.DEFINE_integer("workers", os.cpu_count() or 1, "Number of worker processes.", 1)
CALIBRATE = flags.DEFINE_bool(
    "calibrate_only", False, "All videos calibrate: start/ is the scorer, and nothing is trained."
)
DETECTOR = flags.DEFINE_string("detector", "trees68", "Face and landmark detector.")
flags.adopt_module_key_flags(_model_flags)


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise UsageError(f"expected one folder of videos or one manifest, got {len(arguments)}")
    source = existing(arguments[0], "folder or manifest of videos").absolute()
    place = CHECKPOINT.value or str(pretrained.GRID)
    existing(place, "checkpoint")
    try:
        files.find(files.CONFIG, CONFIG.value)
        lookup.require("detector", DETECTOR.value, lookup.names("media.landmarks"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    with suppress_stderr():  # not at the top of the file: --help need not wait for TensorFlow
        import jax

        from avsync.adaptation import begun, calibrating, job, report

        # The commands that this process runs need the accelerator, whole.
        jax.config.update("jax_platforms", "cpu")
    out = Path(OUT.value).expanduser().absolute()
    reading = (f"--workers={WORKERS.value}", f"--detector={DETECTOR.value}")
    request = begun.Request(
        source, out, place, **_model_flags.parts(), config=CONFIG.value, reading=reading
    )
    if CALIBRATE.value:
        report.print_alarms(calibrating.calibrate(request))
        say(f"scorer, calibrated on these videos: {out / begun.START}")
        return
    found = job.adapt(request)
    report.print_outcome(found)
    say(f"the {found['chosen']} scorer, with its model card: {out / job.SCORER}")


run = functools.partial(run_binary, main, positional="FOLDER")

if __name__ == "__main__":
    run()
