"""--weights and --dtype, which avsync-score, avsync-evaluate and avsync-export share."""

from pathlib import Path
from typing import Any

from absl import flags

from avsync.bin.base import existing

WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Checkpoint of the encoder (from avsync-convert), for a --checkpoint that is a head trained on "
    "its features: together they are a whole model.",
)
DTYPE = flags.DEFINE_enum(
    "dtype",
    None,
    ["float32", "bfloat16"],
    "Type of activations. bfloat16 is faster on accelerators, and accurate to 2 digits. Default: "
    "as trained.",
)


def parts() -> dict[str, Any]:
    """The arguments `encoder` and `dtype` of `build.load_scorer`; UsageError for a missing path."""
    encoder: Path | None = existing(WEIGHTS.value, "encoder") if WEIGHTS.value else None
    return {"encoder": encoder, "dtype": DTYPE.value}
