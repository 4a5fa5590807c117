"""Where the runs of a sweep lie, and what is known of how each went.

ROOT/runs/NAME            a training's workdir, with evaluation/ inside
ROOT/logs/NAME.log        what its commands said
ROOT/outcomes/NAME.json   an `Outcome`
"""

import json
import time
from pathlib import Path
from typing import NamedTuple

from avsync.files import atomic_write
from avsync.sweeps.plan import Run

NOT_BEGUN, RUNNING, DONE, FAILED = "not begun", "unfinished", "done", "failed"


class Outcome(NamedTuple):
    """How a run went.

    status: "not begun", "unfinished", "done" or "failed"; that a run goes on right now cannot be
      told from one that was killed.
    seconds: of wall time, all attempts together; of an attempt that was killed, until the last
      word in its log.
    began: of the latest attempt, in seconds since the epoch.
    tested_on: what a run that is done was tested on, as `Evaluation.of` says it.
    reason: why it failed.
    """

    status: str = NOT_BEGUN
    seconds: float = 0.0
    began: float = 0.0
    tested_on: str = ""
    reason: str = ""

    def is_finished(self, tested_on: str) -> bool:
        """Whether nothing is left to do; "" if there is no test. A failed run is tried again."""
        return self.status == DONE and tested_on in ("", self.tested_on)


class Places(NamedTuple):
    """The files of a run."""

    workdir: Path
    log: Path
    outcome: Path

    @classmethod
    def of(cls, root: Path, run: Run) -> "Places":
        """Those of `run` in the sweep's folder."""
        return cls(
            root / "runs" / run.name,
            root / "logs" / f"{run.name}.log",
            root / "outcomes" / f"{run.name}.json",
        )

    def read(self) -> Outcome:
        """What is known of the run."""
        if not self.outcome.is_file():
            return Outcome()
        return Outcome(**json.loads(self.outcome.read_text()))

    def begin(self) -> Outcome:
        """Notes that an attempt begins now."""
        before = self.read()
        seconds = before.seconds
        if before.status == RUNNING and self.log.is_file():
            seconds += max(self.log.stat().st_mtime - before.began, 0)
        for file in (self.log, self.outcome):
            file.parent.mkdir(parents=True, exist_ok=True)
        return self.note(Outcome(RUNNING, seconds, time.time()))

    def end(self, outcome: Outcome, *, tested_on: str = "", reason: str = "") -> Outcome:
        """Notes that the attempt that began as `outcome` is over: done, or failed for a reason."""
        return self.note(
            Outcome(
                FAILED if reason else DONE,
                outcome.seconds + time.time() - outcome.began,
                outcome.began,
                tested_on,
                reason,
            )
        )

    def note(self, outcome: Outcome) -> Outcome:
        """Writes `outcome` down."""
        atomic_write(self.outcome, json.dumps(outcome._asdict()) + "\n")
        return outcome


def duration(seconds: float) -> str:
    """ "48 s", "12 min", "3.4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
