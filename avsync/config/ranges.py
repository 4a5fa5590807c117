"""The range of every field of a model or its augmentation: sizes that no network has are refused.

A config.json comes from whoever wrote the checkpoint. A size of a billion would be computed with
for hours before it is found not to fit the weights.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from avsync import lookup
from avsync.pp import augmentation
from avsync.units import INPUT_PIXELS, MAX_REACH_FRAMES

SECTION = "model."
AUGMENTATION = "data.augmentation."

MAX_TEXT = 1000  # characters; paths and names are shorter
MAX_ITEMS = 16  # of a tuple: the stages of an encoder, the layers of a head
MAX_CHANNELS = 1 << 16  # the feed-forward layers of the largest transformers have fewer
MAX_LAYERS = 256
MAX_SIDE = 32  # of windows and strides of the stem, in pixels or frames

# By the last part of a field's name: the lowest and the highest value of each number.
RANGES = {
    "reach_frames": (1, MAX_REACH_FRAMES),
    "num_layers": (1, MAX_LAYERS),
    "temporal_blocks": (0, MAX_LAYERS),
    "blocks": (0, MAX_LAYERS),
    "num_heads": (1, 256),
    "pool": (1, MAX_SIDE),
    "stem_frames": (1, MAX_SIDE),
    "stem_stride": (1, MAX_SIDE),
    "patch": (1, MAX_SIDE),
    "num_bands": (1, 256),
    "initial_scale": (1e-6, 1e6),
    "channels": (0, MAX_CHANNELS),  # 0: not recorded
    "chunk_frames": (0, 1 << 20),
}
CHOICES = {"model.edges": ("masked", "official"), "model.dtype": ("float32", "bfloat16")}
OTHERS = (1, MAX_CHANNELS)


def require(fields: Mapping[str, Any]) -> None:
    """ValueError names the first of `fields`, by dotted name, that is out of range.

    It also refuses fields of an encoder that do not fit each other.
    """
    for field, value in fields.items():
        name = field.rpartition(".")[2]
        if field.startswith(AUGMENTATION):
            low, high = augmentation.RANGES[name]
        elif field.startswith(SECTION):
            low, high = RANGES.get(name, OTHERS)
        else:
            continue
        if isinstance(value, tuple) and not 1 <= len(value) <= MAX_ITEMS:
            raise ValueError(
                f"config.{field} has {len(value)} values; expected 1 to {MAX_ITEMS} of them"
            )
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and not low <= number <= high:
                raise ValueError(f"config.{field} is {number}; expected {low:g} to {high:g}")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(f"config.{field} has {len(value):,} characters")
        if field in CHOICES:
            lookup.require(f"config.{field}", str(value), CHOICES[field])
    for problem in _misfits(fields):
        raise ValueError(problem)


def _misfits(fields: Mapping[str, Any]) -> Iterator[str]:
    for section in (name.removesuffix(".widths") for name in fields if name.endswith(".widths")):
        blocks = fields.get(f"{section}.blocks")
        if blocks is not None and len(blocks) != len(fields[f"{section}.widths"]):
            yield (
                f"config.{section} has widths for {len(fields[f'{section}.widths'])} stages and "
                f"blocks for {len(blocks)}: give as many of both"
            )
    for field, value in fields.items():
        if re.fullmatch(r"model\.\w+\.patch", field):
            section = field.removesuffix(".patch")
            # The side of the squares that the last stage joins; the picture is padded to twice it.
            side = fields[f"{section}.pool"] * value * 2 ** (len(fields[f"{section}.widths"]) - 1)
            if side >= INPUT_PIXELS:
                yield (
                    f"config.{section} leaves the last of its widths nothing to join: its squares "
                    f"have {side} pixels on a side, the picture {INPUT_PIXELS}; give fewer widths, "
                    "or a smaller patch or pool"
                )
        if re.fullmatch(r"model\.\w+\.pool", field) and INPUT_PIXELS % value:
            yield f"config.{field} is {value}, which does not divide the {INPUT_PIXELS} pixels"
        if re.fullmatch(r"model\.\w+\.num_heads", field):
            embedding = fields[field.replace("num_heads", "embedding")]
            if embedding % value:
                yield f"config.{field} is {value}, which does not divide embedding = {embedding}"
