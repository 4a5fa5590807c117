"""Finds shortcuts that separate real from fake clips in a dataset: silence, length, codecs, etc.

    avsync-audit --dataset=synthetic_talkers --split=test --data_dir=data --out=runs/audit

Needs no model and decodes no video. Writes audit.json, strongest shortcut first, and report.html.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, run_binary, say, suppress_stderr

DATASET = flags.DEFINE_string(
    "dataset", None, "Prepared dataset, NAME or NAME/CONFIG.", required=True
)
SPLIT = flags.DEFINE_string("split", "test", "Split to audit; it must hold real and fake clips.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder or address of prepared datasets.")
OUT = flags.DEFINE_string("out", None, "Folder for audit.json and report.html.", required=True)


def main(_: list[str]) -> None:
    with suppress_stderr():  # imported here, so that --help does not wait for TensorFlow
        from avsync import runtime
        from avsync.audits import base, results
        from avsync.datasets.base import open_source
        from avsync.input_pipeline import sound
        from avsync.reports.audit import report

        runtime.start()
    try:
        source = open_source(DATASET.value, SPLIT.value, data_dir=DATA_DIR.value)
    except ValueError as error:
        raise UsageError(str(error)) from error
    siblings = sound.other_splits(source)
    if source.is_real_only:  # checked before anything is measured
        names = ", ".join(sibling.split for sibling in siblings)
        raise ValueError(
            f"{DATASET.value}/{SPLIT.value} is a real-only split; an audit compares real with fake "
            f"clips. Other splits: {names}"
        )
    others = {other.split: sound.read_origins(other) for other in siblings}
    with runtime.Progress("measuring", total=source.num_clips) as progress:

        def clips_with_progress():
            for number, clip in enumerate(sound.read_sound(source), start=1):
                yield clip
                progress.advance_to(number)

        audited = results.audit(clips_with_progress(), base.all_shortcuts(), others=others)
    title = f"{DATASET.value}, {SPLIT.value} split"
    out_dir = Path(OUT.value).expanduser()
    report.write_report(audited, out_dir, title=title)
    report.print_table(audited, title=title)
    say(f"report: {out_dir / 'report.html'}")


run = functools.partial(run_binary, main, read={"data_dir"})

if __name__ == "__main__":
    run()
