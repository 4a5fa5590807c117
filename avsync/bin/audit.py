"""Which shortcuts tell the fakes of a dataset from its reals: silence, length, codecs and the like.

    avsync-audit --dataset=synthetic_talkers --split=test --data_dir=data --out=runs/audit

No model is needed, and no picture is decoded. Writes audit.json, strongest first, and report.html.
"""

import functools
from pathlib import Path

from absl import flags

from avsync.bin.base import UsageError, run_binary, suppress_stderr

DATASET = flags.DEFINE_string(
    "dataset", None, "NAME or NAME/CONFIG, prepared in --data_dir.", required=True
)
SPLIT = flags.DEFINE_string("split", "test", "A split that holds both reals and fakes.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Where prepared datasets lie.")
OUT = flags.DEFINE_string("out", None, "Where the report goes.", required=True)


def main(_: list[str]) -> None:
    with suppress_stderr():  # and not at the top: --help need not wait for TensorFlow
        from avsync import runtime
        from avsync.audits import base, findings
        from avsync.datasets.base import open_source
        from avsync.input_pipeline import sound
        from avsync.reports.audit import report

        runtime.start()
    try:
        source = open_source(DATASET.value, SPLIT.value, data_dir=DATA_DIR.value)
    except ValueError as error:
        raise UsageError(str(error)) from error
    siblings = sound.other_splits(source)
    if source.is_real_only:  # known before anything is measured
        names = ", ".join(sibling.split for sibling in siblings)
        raise ValueError(
            f"{DATASET.value}/{SPLIT.value} has no fakes by the promise of its builder: an audit "
            f"compares them with reals. Other splits: {names}"
        )
    others = {other.split: sound.read_origins(other) for other in siblings}
    with runtime.Progress("measuring", total=source.num_clips) as progress:

        def counted():
            for number, clip in enumerate(sound.read_sound(source), start=1):
                yield clip
                progress.advance_to(number)

        audited = findings.audit(counted(), base.all_shortcuts(), others=others)
    title = f"{DATASET.value}, {SPLIT.value} split"
    out_dir = Path(OUT.value).expanduser()
    report.write_report(audited, out_dir, title=title)
    report.print_table(audited, title=title)
    print(f"report: {out_dir / 'report.html'}")


run = functools.partial(run_binary, main)

if __name__ == "__main__":
    run()
