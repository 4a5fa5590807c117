"""What a training is made of, before it begins."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from avsync.input_pipeline.batching import EvalBatch
from avsync.input_pipeline.training import TrainBatch
from avsync.train.optim import Plateau
from avsync.train.step import Apply, Rule


class Schedule(NamedTuple):
    """In updates: how many at most, and how often to report and to validate and save.

    max_waited: validations in a row that were no better, after which training stops; 0: never.
    """

    num_steps: int
    log_every: int
    validate_every: int
    max_waited: int


class Training(NamedTuple):
    """A training, made by avsync.build_training from a config.

    batches: (first_step) -> batch first_step and all that follow it.
    val_batches: () -> the validation clips.
    apply: (params, visual, audio, valid) -> offset_logits, as validation takes them.
    apply_in_training: the same, as updates take them: see avsync.train.neighbours and
      avsync.train.remat.
    init: () -> the parameters to start with.
    """

    batches: Callable[[int], Iterator[TrainBatch]]
    val_batches: Callable[[], Iterable[EvalBatch]]
    apply: Apply
    apply_in_training: Apply
    init: Callable[[], Any]
    rule: Rule
    plateau: Plateau
    schedule: Schedule
