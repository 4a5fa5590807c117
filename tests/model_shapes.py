"""Parameters without their values, for tests of what is made of them."""

from typing import Any

import jax

from avsync.models.aligner import Aligner
from avsync.types import Batch


def shapes_of_params(model: Aligner, inputs: Batch) -> Any:
    """Shapes and types alone of what `build.init_params` makes."""
    arrays = inputs.visual, inputs.audio, inputs.valid
    return jax.eval_shape(model.init, jax.random.key(0), *arrays)["params"]
