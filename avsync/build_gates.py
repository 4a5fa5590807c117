"""Config to gates: the split that is trained on, without what its gates do not let pass."""

import sys
from pathlib import Path

from avsync.config import Config
from avsync.gates import findings
from avsync.gates.judging import Gates, judge, require_gates
from avsync.runtime import this_host
from avsync.types import Source


def gated(config: Config, source: Source, workdir: Path | None) -> Source:
    """`source` as the gates of config.data.gates let it pass; itself if they are open.

    What they find is written to `workdir`, if there is one, and read from there when the training
    goes on: its batches are those of before. ValueError if the gates cannot be set so, if what is
    there is of other gates or data, or if data.order is not "shuffled".
    """
    data = config.data
    gates = Gates(**data.gates)
    require_gates(gates)
    if gates.are_open():
        return source
    if data.order != "shuffled":
        raise ValueError(
            f"config.data.gates leave clips out, and config.data.order {data.order!r} takes all "
            "frames of the split: open the gates, or use 'shuffled'"
        )
    settings = {
        **gates._asdict(),
        "directory": str(source.directory),
        "split": source.split,
        "num_clips": source.num_clips,
    }
    found = findings.read(workdir, settings=settings) if workdir else None
    if found is None:
        found = judge(source, gates)
        if workdir and this_host().index == 0:
            findings.write(found, workdir, settings=settings)
    if this_host().index == 0:
        print(findings.describe(found, num_clips=source.num_clips), file=sys.stderr)
    return findings.apply(found, source)
