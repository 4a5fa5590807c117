"""The loss on clips that nothing is trained on."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import jax

from avsync import parallel
from avsync.input_pipeline.evaluation import EvalBatch
from avsync.train.step import refuse_fakes


def validation_loss(
    batches: Iterable[EvalBatch], *, validate: Callable[..., Any], params: Any
) -> float:
    """Mean loss of all frames of `batches`, in nats, by the mapped eval step `validate`.

    ValueError if a clip is fake, if there is no frame, or if the loss is not finite.
    """
    nll, num_frames = 0.0, 0
    for batch, infos in batches:
        refuse_fakes(batch, [info.clip_id for info in infos])
        sums = jax.device_get(validate(params, parallel.spread(batch)))
        nll += float(sums["nll"])
        num_frames += int(sums["num_frames"])
    if num_frames == 0:
        raise ValueError(
            "no frame of the validation split is left once silence is trimmed: choose another "
            "config.data.val_split"
        )
    if not math.isfinite(nll):
        raise ValueError(
            f"the validation loss is {nll}; lower config.optim.learning_rate or set "
            "config.optim.max_gradient_norm. The last checkpoint is untouched."
        )
    return nll / num_frames
