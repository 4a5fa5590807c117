"""Metrics in an experiment tracker, MLflow or Weights & Biases, as well as in metrics.jsonl.

The tracker is configured as always: by its environment variables (MLFLOW_TRACKING_URI,
MLFLOW_EXPERIMENT_NAME; WANDB_PROJECT, WANDB_MODE, WANDB_API_KEY). It works in a thread: a slow
server does not delay the training, and one that fails does not end it. A resumed training continues
its run, whose id is in WORKDIR/tracking.json.

A new tracker is a class with the methods of `_Backend`, in `TRACKERS`.
"""

import importlib
import importlib.util
import json
import os
import queue
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from avsync.files import atomic_write
from avsync.runtime import announce

FILE = "tracking.json"
PROJECT = "avsync"

# A training that has ended waits this long for what the tracker has yet to send.
CLOSE_SECONDS = 60.0

# MLflow refuses longer values of parameters.
MAX_CHARACTERS = 500


class Tracker(NamedTuple):
    """The name of a tracker, one of `TRACKERS`, and the fields of the config that it shows."""

    name: str
    fields: Mapping[str, Any]


class _Backend(Protocol):
    def __init__(self, workdir: Path, tracker: Tracker, *, run_id: str | None):
        """Begin the run of this id again, or a new one if there is no id."""
        ...

    @property
    def run_id(self) -> str: ...

    def write(self, step: int, values: Mapping[str, float]) -> None: ...

    def close(self, *, is_done: bool) -> None: ...


def require(name: str) -> None:
    """Raise ValueError if the package of a tracker is not installed."""
    if importlib.util.find_spec(name) is None:
        raise ValueError(
            f"--tracking={name} needs the package {name}: pip install 'avsync[{name}]'"
        )


class TrackedRun:
    """The run of a training in a tracker. Only the first process of a training has one."""

    def __init__(self, workdir: Path, tracker: Tracker):
        self._workdir, self._tracker = workdir, tracker
        self._queue: queue.SimpleQueue[tuple[int, dict[str, float]] | None] = queue.SimpleQueue()
        self._is_done = False
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def write(self, step: int, *, split: str, values: Mapping[str, float | None]) -> None:
        """Send the values that are not None, as "SPLIT/NAME"; returns at once."""
        if self._thread.is_alive():
            known = {f"{split}/{name}": v for name, v in values.items() if v is not None}
            self._queue.put((step, known))

    def close(self, *, is_done: bool) -> None:
        """End the run as done, or as interrupted; wait a limited time for what is left to send."""
        self._is_done = is_done
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self._warn(f"has not taken all metrics within {CLOSE_SECONDS:.0f} s")

    def _work(self) -> None:
        path = self._workdir / FILE
        # Whatever is wrong with a tracker, down to an exit, is no reason to end a training.
        try:
            ids = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            name = self._tracker.name
            backend = TRACKERS[name](self._workdir, self._tracker, run_id=ids.get(name))
            atomic_write(path, json.dumps({**ids, name: backend.run_id}) + "\n")
            while item := self._queue.get():
                backend.write(*item)
            backend.close(is_done=self._is_done)
        except (Exception, SystemExit) as error:
            lines = str(error).strip().splitlines() or [""]
            self._warn(f"failed: {type(error).__name__}: {lines[0]}")

    def _warn(self, problem: str) -> None:
        announce(f"--tracking={self._tracker.name} {problem}; metrics.jsonl has all metrics")


class _Mlflow:
    def __init__(self, workdir: Path, tracker: Tracker, *, run_id: str | None):
        mlflow = importlib.import_module("mlflow")
        self._entities = importlib.import_module("mlflow.entities")
        self._client = mlflow.MlflowClient()
        self._last_step: dict[str, int] = {}
        self._is_new = run_id is None
        if run_id is not None:
            self.run_id = run_id
            self._client.update_run(run_id, status="RUNNING")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        experiment = self._client.get_experiment_by_name(name)
        experiment_id = experiment.experiment_id if experiment else self._new_experiment(name)
        run = self._client.create_run(
            experiment_id, run_name=workdir.name, tags={"workdir": str(workdir.absolute())}
        )
        self.run_id = run.info.run_id
        texts = {field: str(value)[:MAX_CHARACTERS] for field, value in tracker.fields.items()}
        params = [self._entities.Param(field, text) for field, text in texts.items()]
        for start in range(0, len(params), 100):  # MLflow takes at most 100 at once
            self._client.log_batch(self.run_id, params=params[start : start + 100])

    def write(self, step: int, values: Mapping[str, float]) -> None:
        now = int(1000 * time.time())
        # A resumed training repeats updates, with equal values; MLflow would keep both.
        metrics = [
            self._entities.Metric(name, value, now, step)
            for name, value in values.items()
            if self._is_new or step > self._sent_until(name)
        ]
        if metrics:
            self._client.log_batch(self.run_id, metrics=metrics)

    def close(self, *, is_done: bool) -> None:
        self._client.set_terminated(self.run_id, "FINISHED" if is_done else "KILLED")

    def _new_experiment(self, name: str) -> str:
        try:
            return self._client.create_experiment(name)
        except importlib.import_module("mlflow.exceptions").MlflowException:
            # Another training, such as one of the same sweep, created it in the meantime.
            experiment = self._client.get_experiment_by_name(name)
            if experiment is None:
                raise
            return experiment.experiment_id

    def _sent_until(self, name: str) -> int:
        """Return the last step of a metric that earlier starts of the training have sent."""
        if name not in self._last_step:
            history = self._client.get_metric_history(self.run_id, name)
            self._last_step[name] = max((metric.step for metric in history), default=-1)
        return self._last_step[name]


class _Wandb:
    def __init__(self, workdir: Path, tracker: Tracker, *, run_id: str | None):
        wandb = importlib.import_module("wandb")
        self.run_id = run_id or uuid.uuid4().hex[:8]
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=self.run_id,
            name=workdir.name,
            dir=str(workdir),
            resume="allow",
            config=dict(tracker.fields),
            # It would take over stdout and the exit of this process.
            settings=wandb.Settings(silent=True, console="off"),
        )

    def write(self, step: int, values: Mapping[str, float]) -> None:
        # It drops steps that it has, which a resumed training repeats with equal values.
        self._run.log(dict(values), step=step)

    def close(self, *, is_done: bool) -> None:
        self._run.finish(exit_code=0 if is_done else 1)


TRACKERS: Mapping[str, type[_Backend]] = {"mlflow": _Mlflow, "wandb": _Wandb}
