"""The loss on the validation clips."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import jax

from avsync import parallel
from avsync.input_pipeline.batching import EvalBatch
from avsync.runtime import allgather_json
from avsync.train.step import refuse_fakes


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
