"""The loss on the validation clips."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax

from avsync import parallel
from avsync.input_pipeline.batching import EvalBatch
from avsync.runtime import allgather_json
from avsync.train.job import Validation
from avsync.train.step import refuse_fakes


def validation_losses(
    validations: Sequence[Validation],
    *,
    validate: Callable[..., Any],
    params: Any,
    is_real_only: bool,
) -> dict[str, float]:
    """The "loss" of the validation, in nats: the mean over its datasets, by their weights.

    Of several datasets, each has its own "NAME/loss" too. ValueError as for `validation_loss`,
    beginning with the name of the dataset if there are several.
    """
    losses = {}
    for name, _, batches in validations:
        try:
            losses[name] = validation_loss(
                batches(), validate=validate, params=params, is_real_only=is_real_only
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}" if len(validations) > 1 else error) from error
    total = sum(weight * losses[name] for name, weight, _ in validations)
    if len(validations) == 1:
        return {"loss": total}
    return {"loss": total, **{f"{name}/loss": loss for name, loss in losses.items()}}


def validation_loss(
    batches: Iterable[EvalBatch],
    *,
    validate: Callable[..., Any],
    params: Any,
    is_real_only: bool,
) -> float:
    """Mean loss over the `batches` of all processes, in nats; `validate` is the mapped eval step.

    ValueError if a clip is fake under `is_real_only`, if trimming leaves no frame, or if the loss
    is not finite.
    """
    total, count = 0.0, 0
    for batch, infos in batches:
        if is_real_only:
            refuse_fakes(batch, [info.clip_id for info in infos])
        sums = jax.device_get(validate(params, parallel.shard_batch(batch)))
        total += float(sums["loss"])
        count += int(sums["count"])
    # Each process validates its own clips, and the number of batches differs per process.
    totals, counts = zip(*allgather_json([total, count]), strict=True)
    total, count = sum(totals), sum(counts)
    if count == 0:
        raise ValueError(
            "no frame of the validation split is left after trimming silence: choose another "
            "config.data.val_split"
        )
    if not math.isfinite(total):
        raise ValueError(
            f"the validation loss is {total}; lower config.optim.learning_rate or set "
            "config.optim.max_gradient_norm. The last checkpoint is intact."
        )
    return total / count


def losses_in_words(losses: Mapping[str, float], unit: str) -> str:
    """`validation_losses` for the log: that of the whole, and in brackets those of datasets."""
    loss, *others = losses.items()
    each = ", ".join(f"{name.removesuffix('/loss')} {value:.3f}" for name, value in others)
    return f"{loss[1]:.3f} nats per {unit}{f' ({each})' if each else ''}"
