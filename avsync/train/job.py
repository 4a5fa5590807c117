"""The parts of a training, before it starts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from avsync.input_pipeline.batching import EvalBatch
from avsync.input_pipeline.training import TrainBatch
from avsync.train.optim import Plateau
from avsync.train.step import Apply, UpdateRule


class Schedule(NamedTuple):
    """The length of a training and its intervals, in updates.

    max_waited: validations in a row without improvement after which training stops; 0: never.
    """

    num_steps: int
    log_every: int
    validate_every: int
    max_waited: int


class Validation(NamedTuple):
    """The validation clips of one dataset; `weight` is its share of the validation loss."""

    name: str
    weight: float
    batches: Callable[[], Iterable[EvalBatch]]


class Training(NamedTuple):
    """A training, built from a config by avsync.build_training.

    batches: (first_step) -> batch first_step and all that follow it.
    validations: one for each dataset.
    datasets: what environment.json says of each dataset, by name.
    apply: (params, visual, audio, valid) -> offset_logits, for validation.
    apply_in_training: the same for updates, transformed by avsync.train.transforms.
    init: () -> the initial parameters.
    """

    batches: Callable[[int], Iterator[TrainBatch]]
    validations: tuple[Validation, ...]
    apply: Apply
    apply_in_training: Apply
    init: Callable[[], Any]
    rule: UpdateRule
    plateau: Plateau
    schedule: Schedule
    datasets: Mapping[str, Mapping[str, Any]] = {}
