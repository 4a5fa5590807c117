"""--tracking, for the commands that train."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from absl import flags

from avsync import lookup
from avsync.bin.base import UsageError

if TYPE_CHECKING:
    from avsync.train.tracking import Tracker

KNOWN = ("mlflow", "wandb")

# Also for the trainings that avsync-sweep and avsync-adapt start.
VARIABLE = "AVSYNC_TRACKING"

TRACKING = flags.DEFINE_enum(
    "tracking",
    None,
    KNOWN,
    "Send metrics to MLflow or Weights & Biases too; each reads its own environment variables. "
    f"Default: ${VARIABLE}.",
)


def tracker(fields: Mapping[str, Any]) -> "Tracker | None":
    """The tracker of a training with these config fields, None without one.

    UsageError if it is unknown or not installed.
    """
    name = TRACKING.value or os.environ.get(VARIABLE)
    if not name:
        return None
    from avsync.train import tracking

    try:
        tracking.require(lookup.require(f"tracker in {VARIABLE}", name, KNOWN))
    except ValueError as error:
        raise UsageError(str(error)) from error
    return tracking.Tracker(name, fields)
