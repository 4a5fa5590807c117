"""The config: its fields, its files, and how values change. It records the whole model."""

from avsync.config.changes import from_json, require_known, with_changes
from avsync.config.fields import (
    Config,
    default,
    encoder,
    head,
    make_strangers,
    make_supervised,
    require_variant,
)

__all__ = [
    "Config",
    "default",
    "encoder",
    "from_json",
    "head",
    "make_strangers",
    "make_supervised",
    "require_known",
    "require_variant",
    "with_changes",
]
