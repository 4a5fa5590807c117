"""Checkpoints on disk, with Orbax: the latest and the best are kept. The only import of Orbax.

workdir/config.json                  the resolved config, written once, by the trainer
workdir/checkpoints/STEP/            after STEP updates: params, opt_state, step
workdir/weights.safetensors          in place of checkpoints/: parameters alone, in either dtype
workdir/calibration/STEP.json        the scores that this checkpoint gives to held-out reals
"""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from avsync import weights
from avsync.files import atomic_write

FOLDER = "checkpoints"
CONFIG = "config.json"
CALIBRATION = "calibration"
STATE = "state"

# A write that fails reaches us as an exception; Orbax logs a page about it for each of its threads.
logging.getLogger("absl").addFilter(lambda record: "orbax" not in record.pathname)

# Of an array that is written at once, where memory counts.
WRITE_CHUNK_BYTES = 64 << 20


class Checkpointer:
    """Saves the training state in the background; restores it exactly.

    Use as a context manager: leaving it waits for the last write. A checkpoint that was being
    written when the process died is never seen again.
    """

    def __init__(self, workdir: Path):
        self._folder = workdir / FOLDER
        policies: Any = ocp.training.preservation_policies
        self._orbax = ocp.training.Checkpointer(
            str(self._folder.absolute()),
            save_decision_policy=_Always(),
            preservation_policy=policies.AnyPreservationPolicy(
                [
                    policies.LatestN(1),
                    # "Best" is largest for Orbax; a loss is best when smallest.
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
        # Whatever went wrong first is what the user hears of.
        with contextlib.suppress(*[OSError] if error else []), self._saying_what_is_whole():
            self._orbax.close()

    @property
    def latest_step(self) -> int | None:
        """Updates done at the latest checkpoint; None if there is none."""
        latest = self._orbax.latest
        return None if latest is None else latest.step

    def save(self, step: int, state: Any, *, loss: float | None = None) -> None:
        """Begins to save `state`, a pytree of arrays, after `step` updates.

        `loss` of the validation split ranks it; without one it is kept only while the latest.
        OSError if this checkpoint, or the one before, cannot be written.
        """
        if self.latest_step is not None and step <= self.latest_step:
            return
        metrics: Any = None if loss is None else {"loss": float(loss)}
        with self._saying_what_is_whole():
            self._orbax.save_async(step, state, metrics=metrics)

    def restore(self, state: Any) -> Any:
        """The latest checkpoint, on the devices and with the shapes of `state`."""
        return self._orbax.load(None, jax.tree.map(_abstract, state))

    @contextlib.contextmanager
    def _saying_what_is_whole(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            # One that was not finished has a longer name.
            steps = [int(path.name) for path in self._folder.iterdir() if path.name.isdigit()]
            raise OSError(
                f"a checkpoint could not be written to {self._folder} ({error}). Make room there "
                f"and run it again: the one after {max(steps, default=0)} updates is whole"
            ) from error


def write_params(workdir: Path, params: Any) -> None:
    """Saves `params`, a pytree of arrays, as the checkpoint after 0 updates: with no state of an
    optimiser, it can be evaluated but no training goes on from it.

    Takes little memory beside `params`. ValueError if `workdir` has a checkpoint already.
    """
    context = ocp.Context()
    # By default Orbax copies what it is given, since training goes on meanwhile, and its database
    # keeps all that it encodes until the end: 3.7 GiB for 1.2 GiB of parameters, 1.6 this way.
    context.memory.deepcopy_host_arrays = False
    context.array.saving.use_ocdbt = False
    context.array.saving.storage_options.chunk_byte_size = WRITE_CHUNK_BYTES
    with context, Checkpointer(workdir) as checkpointer:
        if checkpointer.latest_step is not None:
            raise ValueError(
                f"{workdir} has a checkpoint already, after {checkpointer.latest_step} updates; "
                "choose another folder, or remove it"
            )
        checkpointer.save(0, {"params": params})


def best_step(workdir: Path) -> int:
    """The step with the smallest validation loss; the latest if none was ever validated."""
    if weights.are_in(workdir):
        return 0
    with ocp.training.Checkpointer(str((workdir / FOLDER).absolute())) as checkpointer:
        found = list(checkpointer.checkpoints)
    if not found:
        raise ValueError(f"no checkpoint in {workdir / FOLDER}: has the training begun?")
    ranked = [item for item in found if item.metrics and "loss" in item.metrics]
    if ranked:
        return min(ranked, key=lambda item: item.metrics["loss"]).step
    return found[-1].step


def find(checkpoint: Path) -> tuple[Path, int]:
    """(workdir, step) of WORKDIR, whose best checkpoint it is, or WORKDIR/checkpoints/STEP.

    ValueError says what was expected if there is no such checkpoint.
    """
    if (checkpoint / CONFIG).is_file():
        return checkpoint, best_step(checkpoint)
    workdir = checkpoint.parent.parent
    if checkpoint.name.isdigit() and (workdir / CONFIG).is_file() and checkpoint.is_dir():
        return workdir, int(checkpoint.name)
    raise ValueError(
        f"{checkpoint} is no checkpoint; expected a training's workdir (with {CONFIG} and "
        f"{FOLDER}/) or one of its {FOLDER}/STEP"
    )


def is_begun(workdir: Path) -> bool:
    """Whether a training would go on from a checkpoint in `workdir`."""
    if not (workdir / FOLDER).is_dir():
        return False  # and Orbax would make it
    with Checkpointer(workdir) as checkpointer:
        return checkpointer.latest_step is not None


def load_params_like(checkpoint: Path, params: Any) -> Any:
    """The parameters of WORKDIR, its best, or of WORKDIR/checkpoints/STEP, to go on from.

    ValueError, naming the first that differs, if they are not those of `params` in name and shape.
    """
    found = load_params(*find(checkpoint))
    wanted, given = (_shapes(tree) for tree in (params, found))
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise ValueError(
                f"{checkpoint} holds the parameters of another model: {name} is "
                f"{given.get(name, 'not there')}, expected {wanted.get(name, 'none such')}. "
                "Choose the model of that checkpoint, or another checkpoint."
            )
    return found


def load_params(workdir: Path, step: int) -> Any:
    """The model's parameters alone, as NumPy float32; the optimiser's state is not read.

    Their moving average, where the training kept one.
    """
    if weights.are_in(workdir):
        return weights.read(workdir)
    path = str((workdir / FOLDER / str(step)).absolute())
    context = ocp.Context()
    context.pytree.loading.partial_load = True
    # On one device of this job, whatever number of them the training had.
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    with context:
        stored = ocp.metadata(path, checkpointable_name=STATE).metadata
        name = "average" if stored.get("average") else "params"
        wanted = jax.tree.map(
            # Whatever they are stored in: activations have a type of their own.
            lambda x: jax.ShapeDtypeStruct(x.shape, np.float32, sharding=device),
            stored[name],
        )
        loaded = ocp.load(path, {name: wanted}, checkpointable_name=STATE)
    return jax.device_get(loaded[name])


def write_calibration(workdir: Path, step: int, calibration: dict[str, Any]) -> None:
    """Keeps with a checkpoint what its scores are on reals that it was not trained on.

    `calibration` has "scores", and by "frame", "pooling", "trim", "dataset", "split" what they are
    of. One that is there already is replaced.
    """
    path = workdir / CALIBRATION / f"{step}.json"
    path.parent.mkdir(exist_ok=True)
    atomic_write(path, json.dumps(calibration, indent=2) + "\n")


def read_calibration(workdir: Path, step: int) -> dict[str, Any] | None:
    """What `write_calibration` kept with this checkpoint; None if there is none."""
    path = workdir / CALIBRATION / f"{step}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def read_config(workdir: Path) -> dict[str, Any]:
    """The resolved config that the checkpoints of `workdir` were trained with."""
    return json.loads((workdir / CONFIG).read_text())


def write_config(workdir: Path, config: dict[str, Any]) -> None:
    """Writes `config` beside the checkpoints, once; of several processes the first does.

    ValueError names the fields that differ if the workdir was begun with another config.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    if (workdir / CONFIG).exists():
        before, now = (dict(weights.leaves(tree)) for tree in (read_config(workdir), config))
        differ = sorted(k for k in before.keys() | now.keys() if before.get(k) != now.get(k))
        if differ:
            changes = "; ".join(f"{k}: {before.get(k)!r} then, {now.get(k)!r} now" for k in differ)
            raise ValueError(
                f"{workdir} was begun with another config ({changes}). Choose another "
                "--workdir, or the config it was begun with."
            )
        return
    if jax.process_index() == 0:
        atomic_write(workdir / CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n")


def _shapes(params: Any) -> dict[str, list[int]]:
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): list(np.shape(leaf))
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


class _Always(ocp.training.save_decision_policies.SaveDecisionPolicy):
    """The loop decides when to save."""

    def should_save(self, step: Any, previous_steps: Any, *, context: Any) -> bool:
        del step, previous_steps, context
        return True


def _abstract(x: Any) -> Any:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)
