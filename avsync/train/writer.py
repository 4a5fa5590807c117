"""Metrics to workdir/metrics.jsonl, and to TensorBoard where it is installed."""

import importlib
import importlib.util
import json
import math
from pathlib import Path
from types import TracebackType

import jax

from avsync.files import atomic_write

FILE = "metrics.jsonl"


class MetricsWriter:
    """Appends one line a report; a run that goes on after a crash drops the lines it does again.

    Of several processes only the first one writes.
    """

    def __init__(self, workdir: Path, *, first_step: int):
        self._file = self._tensorboard = None
        if jax.process_index():
            return
        path = workdir / FILE
        kept = []
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    if json.loads(line)["step"] <= first_step:
                        kept.append(line)
                except json.JSONDecodeError:
                    pass  # the line that was being written when the process died
        atomic_write(path, "".join(f"{line}\n" for line in kept))
        self._file = path.open("a")
        if importlib.util.find_spec("tensorboard"):
            # The writer that needs TensorBoard alone, not TensorFlow.
            tensorboard = importlib.import_module("tensorboard.summary")
            self._tensorboard = tensorboard.Writer(str(workdir / "tensorboard"))

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

    def write(self, step: int, *, split: str, **values: float | int) -> None:
        """One line: step, split and the values; a value that is not finite becomes null."""
        if not self._file:
            return
        finite = {name: v if math.isfinite(v) else None for name, v in values.items()}
        self._file.write(json.dumps({"step": step, "split": split, **finite}) + "\n")
        self._file.flush()
        if self._tensorboard:
            for name, value in values.items():
                self._tensorboard.add_scalar(f"{split}/{name}", value, step)
