"""Writes metrics to workdir/metrics.jsonl, to TensorBoard if it is installed, and to a tracker."""

import importlib
import importlib.util
import json
import math
from pathlib import Path
from types import TracebackType

import jax

from avsync.files import atomic_write
from avsync.train.tracking import TrackedRun, Tracker

FILE = "metrics.jsonl"


class MetricsWriter:
    """Appends one line per report; a resumed run drops the lines of updates that it repeats.

    Only the first process writes.
    """

    def __init__(self, workdir: Path, *, first_step: int, tracker: Tracker | None = None):
        self._file = self._tensorboard = self._tracked = None
        if jax.process_index():
            return
        path = workdir / FILE
        lines = []
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(line)["step"] <= first_step:
                        lines.append(line)
                except json.JSONDecodeError:
                    pass  # an incomplete line, from a killed process
        atomic_write(path, "".join(f"{line}\n" for line in lines))
        self._file = path.open("a", encoding="utf-8")
        if importlib.util.find_spec("tensorboard"):
            # This writer needs TensorBoard only, not TensorFlow.
            tensorboard = importlib.import_module("tensorboard.summary")
            self._tensorboard = tensorboard.Writer(str(workdir / "tensorboard"))
        if tracker:
            self._tracked = TrackedRun(workdir, tracker)
            # What a killed training did not send, or one without a tracker; the rest is known.
            for line in map(json.loads, lines):
                self._tracked.write(line.pop("step"), split=line.pop("split"), values=line)

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()
        if self._tensorboard:
            self._tensorboard.close()
        if self._tracked:
            self._tracked.close(is_done=kind is None)

    def write(self, step: int, *, split: str, **values: float | int) -> None:
        """Writes a line of step, split and values; a value that is not finite becomes null."""
        if not self._file:
            return
        finite = {name: v if math.isfinite(v) else None for name, v in values.items()}
        self._file.write(json.dumps({"step": step, "split": split, **finite}) + "\n")
        self._file.flush()
        if self._tensorboard:
            for name, value in values.items():
                self._tensorboard.add_scalar(f"{split}/{name}", value, step)
        if self._tracked:
            self._tracked.write(step, split=split, values=finite)
