"""Checkpoints on disk: the latest and the best are kept. The only module that imports Orbax.

workdir/config.json                  the resolved config, written once by the trainer
workdir/checkpoints/STEP/            after STEP updates: params, opt_state, step; a fingerprint
workdir/model.safetensors            instead of checkpoints/: parameters alone, see avsync.weights
workdir/calibration/STEP.json        scores of this checkpoint on held-out real clips

The fingerprint is of the parameters that are evaluated, and is checked whenever they are loaded.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from avsync import checkpoint_steps, hub, weights
from avsync.calibration_file import CALIBRATION as CALIBRATION
from avsync.calibration_file import keep_calibration as keep_calibration
from avsync.calibration_file import read_calibration as read_calibration
from avsync.calibration_file import write_calibration as write_calibration
from avsync.checkpoint_steps import STATE
from avsync.config_file import CONFIG
from avsync.config_file import read_config as read_config
from avsync.config_file import write_config as write_config
from avsync.partition import named, overlaid, whole

FOLDER = "checkpoints"

# Orbax logs a page about a failed write, which raises an exception, and by the root logger that
# checkpoints without its database (see `write_params`) may be malformed.
for _name in ("absl", None):
    logging.getLogger(_name).addFilter(lambda record: "orbax" not in record.pathname)
# The reads that a damaged checkpoint fails at the same time each log 5 kB beside the exception.
logging.getLogger("asyncio").addFilter(lambda record: "tensorstore" not in record.getMessage())

# Bytes of an array that are written at once by `write_params`, to bound memory.
WRITE_CHUNK_BYTES = 64 << 20

MAX_REASON = 150  # characters of an error of Orbax, which may have 30,000


class Checkpointer:
    """Saves the training state in the background and restores it exactly.

    To be used as a context manager: leaving it waits for the last write. A checkpoint that is
    incomplete because the process died is ignored.
    """

    def __init__(self, workdir: Path):
        self._folder = workdir / FOLDER
        # Orbax would take a partial checkpoint for the latest, and refuse to write over it.
        for step, missing in checkpoint_steps.steps(self._folder).partial.items():
            checkpoint_steps.set_aside(self._folder / str(step), missing)
        policies: Any = ocp.training.preservation_policies
        self._orbax = ocp.training.Checkpointer(
            str(self._folder.absolute()),
            save_decision_policy=_Always(),
            preservation_policy=policies.AnyPreservationPolicy(
                [
                    policies.LatestN(1),
                    # Orbax keeps the largest value; the best loss is the smallest.
                    policies.BestN(
                        get_metric_fn=lambda metrics: -metrics["loss"],
                        n=1,
                        keep_checkpoints_without_metrics=False,
                    ),
                ]
            ),
            cleanup_tmp_directories=True,
        )

    def __enter__(self) -> "Checkpointer":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        # An earlier error is the one to report.
        with contextlib.suppress(*[OSError] if error else []), self._name_last_complete():
            self._orbax.close()

    @property
    def latest_step(self) -> int | None:
        """Updates done at the latest checkpoint; None if there is none."""
        latest = self._orbax.latest
        return None if latest is None else latest.step

    def save(self, step: int, state: Any, *, loss: float | None = None) -> None:
        """Starts to save `state`, with params and perhaps their average, after `step` updates.

        `loss`, on the validation split, ranks it; without one it is kept only while it is the
        latest. OSError if this checkpoint, or the one before, cannot be written.
        """
        if self.latest_step is not None and step <= self.latest_step:
            return
        metrics: Any = None if loss is None else {"loss": float(loss)}
        metadata: Any = {weights.FINGERPRINT: weights.fingerprint({}, _evaluated(state))}
        with self._name_last_complete():
            self._orbax.save_async(step, state, metrics=metrics, custom_metadata=metadata)

    def restore(self, expected: Any) -> Any:
        """The latest checkpoint, on the devices and with the shapes of `expected`, see `abstract`.

        ValueError if its parameters are damaged or not finite.
        """
        path = self._folder / str(self.latest_step)
        with _described_errors(path):
            restored = self._orbax.load(None, expected)
            metadata = self._orbax.metadata()
        weights.require_intact(_evaluated(restored), _fingerprint(metadata), source=path)
        return restored

    @contextlib.contextmanager
    def _name_last_complete(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            last = max(checkpoint_steps.steps(self._folder).whole, default=0)
            raise OSError(
                f"cannot write a checkpoint to {self._folder} ({error}). Free space there and run "
                f"again: the checkpoint after {last} updates is complete"
            ) from error


def abstract(state: Any) -> Any:
    """`state` without the values of its arrays."""
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
    )


def write_params(workdir: Path, params: Any) -> None:
    """Saves `params`, nested dicts of arrays, as the checkpoint after 0 updates.

    It has no optimiser state: it can be evaluated, but training cannot resume from it. Writing
    needs little memory beside `params`. ValueError if `workdir` has a checkpoint, or if a value is
    not finite.
    """
    weights.require_finite(params, source="the parameters")
    require_none(workdir)
    context = ocp.Context()
    # By default Orbax copies its input, because training continues meanwhile, and its database
    # holds everything that it encodes until the end: 3.7 GiB for 1.2 GiB of parameters; 1.6 here.
    context.memory.deepcopy_host_arrays = False
    context.array.saving.use_ocdbt = False
    context.array.saving.storage_options.chunk_byte_size = WRITE_CHUNK_BYTES
    with context, Checkpointer(workdir) as checkpointer:
        checkpointer.save(0, {"params": params})


def require_none(workdir: Path) -> None:
    """ValueError if `workdir` has a checkpoint."""
    found = checkpoint_steps.steps(workdir / FOLDER)
    steps = [0] if weights.are_in(workdir) else [*found.whole, *found.partial]
    if steps:
        raise ValueError(
            f"{workdir} already has a checkpoint, after {max(steps)} updates; choose another "
            "folder or remove it"
        )


def best_step(workdir: Path) -> int:
    """The step with the smallest validation loss; the latest if none has been validated.

    Partial checkpoints are left out, and named on stderr.
    """
    if weights.are_in(workdir):
        return 0
    whole, partial = checkpoint_steps.steps(workdir / FOLDER)
    if not whole and partial:
        step, missing = max(partial.items())
        raise ValueError(
            f"{workdir / FOLDER / str(step)} is incomplete: it {missing}. Copy it again"
        )
    with ocp.training.Checkpointer(str((workdir / FOLDER).absolute())) as checkpointer:
        checkpoints = [item for item in checkpointer.checkpoints if item.step in whole]
    for step, missing in partial.items():
        checkpoint_steps.tell(
            f"{workdir / FOLDER / str(step)} is incomplete (it {missing}) and is not used"
        )
    if not checkpoints:
        raise ValueError(f"checkpoint not found: {workdir / FOLDER} is empty; train first")
    validated = [item for item in checkpoints if item.metrics and "loss" in item.metrics]
    if validated:
        return min(validated, key=lambda item: item.metrics["loss"]).step
    return checkpoints[-1].step


def find(checkpoint: str | Path) -> tuple[Path, int]:
    """(workdir, step) of `checkpoint`: WORKDIR, for its best one, or WORKDIR/checkpoints/STEP.

    An address on the Hugging Face Hub is downloaded, see `avsync.hub`. ValueError if there is none.
    """
    checkpoint = hub.locate(checkpoint)
    if (checkpoint / CONFIG).is_file():
        return checkpoint, best_step(checkpoint)
    workdir = checkpoint.parent.parent
    if checkpoint.name.isdigit() and (workdir / CONFIG).is_file() and checkpoint.is_dir():
        if missing := checkpoint_steps.lack(checkpoint):
            raise ValueError(
                f"{checkpoint} is incomplete: it {missing}.{checkpoint_steps.others(checkpoint)}"
            )
        return workdir, int(checkpoint.name)
    if checkpoint.is_file():
        raise ValueError(
            f"{checkpoint} is a file, and a checkpoint is a folder: avsync-convert makes one of a "
            "published PyTorch file"
        )
    raise ValueError(
        f"checkpoint not found: {checkpoint}; expected the workdir of a training (with {CONFIG} "
        f"and {FOLDER}/) or WORKDIR/{FOLDER}/STEP"
    )


def can_resume(workdir: Path) -> bool:
    """True if `workdir` has a checkpoint from which training resumes. Changes nothing there."""
    # Without Orbax, which would remove the checkpoint that a running training is writing.
    return bool(checkpoint_steps.steps(workdir / FOLDER).whole)


def load_params(workdir: Path, step: int) -> Any:
    """The model's parameters as NumPy float32, or their moving average if the training kept one.

    The optimiser's state is not read. ValueError if the parameters are damaged or not finite.
    """
    if weights.are_in(workdir):
        return weights.read(workdir)
    folder = workdir / FOLDER / str(step)
    path = str(folder.absolute())
    context = ocp.Context()
    context.pytree.loading.partial_load = True
    # Onto one device of this job, whatever number of devices the training had.
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    with context, _described_errors(folder):
        metadata = ocp.metadata(path, checkpointable_name=STATE)
        stored = metadata.metadata
        # The average is of the trained parameters; without a frozen one it replaces them all.
        names = [name for name in ("params", "average") if stored.get(name)]
        arrays = [[array for array, _ in named(stored[name])] for name in names]
        if names[1:] and arrays[0] == arrays[1]:
            names = ["average"]
        expected = jax.tree.map(
            # Whatever dtype is stored: activations have a dtype of their own.
            lambda x: jax.ShapeDtypeStruct(x.shape, np.float32, sharding=device),
            {name: stored[name] for name in names},
        )
        loaded = ocp.load(path, expected, checkpointable_name=STATE)
        params = _evaluated(jax.device_get(loaded))
    weights.require_intact(params, _fingerprint(metadata), source=folder)
    return params


@contextlib.contextmanager
def _described_errors(path: Path) -> Iterator[None]:
    """Errors of Orbax, which fill pages and have many types, as a ValueError that names `path`."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        more = "..." if len(reason) > MAX_REASON else ""
        others = checkpoint_steps.others(path)
        raise ValueError(
            f"{path} is damaged or incomplete, and cannot be read ({type(error).__name__}: "
            f"{reason[:MAX_REASON]}{more}). Copy it again, or remove it.{others}"
        ) from error


def _evaluated(state: Any) -> Any:
    """The parameters of a training state, or of a dict of some of its fields, to evaluate."""
    fields = state if isinstance(state, dict) else state._asdict()
    params, average = fields.get("params", {}), fields.get("average")
    return whole(params if average is None else overlaid(params, average))


def _fingerprint(metadata: Any) -> str | None:
    """The fingerprint in what Orbax returns as the metadata of a checkpoint; None without one."""
    return (metadata.custom_metadata or {}).get(weights.FINGERPRINT)


class _Always(ocp.training.save_decision_policies.SaveDecisionPolicy):
    """Saves whenever it is asked to: the training loop decides when."""

    def should_save(self, step: Any, previous_steps: Any, *, context: Any) -> bool:
        del step, previous_steps, context
        return True
