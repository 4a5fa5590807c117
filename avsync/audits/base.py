"""What a shortcut is: something of a clip, beside its speech and lips, that may tell fakes apart.

A shortcut is one file of `avsync.audits.shortcuts` with a dict `SHORTCUTS`, by name; `media` has
many, for each is a key of the same record. What it measures may be of three kinds:

- a number: ranks the clips by itself;
- a text, a category such as a codec: ranks them by the share of fakes among other clips of it;
- a vector: ranks them by a linear probe trained on other clips.

None is what cannot be known of that clip.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int16

from avsync import lookup
from avsync.units import SAMPLES_PER_FRAME

PACKAGE = "audits.shortcuts"

Value = float | str | np.ndarray | None


class AuditedClip(NamedTuple):
    """What a shortcut may look at: a clip in one view, as it is or trimmed.

    waveform: never empty.
    media: what `prepare` recorded of the raw file; {} where there was none.
    splits_with_source: the other splits of the dataset that hold the clip, its source, or another
      fake of it.
    splits_with_identity: the other splits in which the same identity speaks; None if unknown.
    """

    waveform: Int16[np.ndarray, " s"]
    media: Mapping[str, Any]
    splits_with_source: tuple[str, ...] = ()
    splits_with_identity: tuple[str, ...] | None = None

    @property
    def num_frames(self) -> int:
        return len(self.waveform) // SAMPLES_PER_FRAME


class Shortcut(NamedTuple):
    """`description` is a noun phrase; `unit` is of the number measured, "" if it has none."""

    description: str
    unit: str
    measure: Callable[[AuditedClip], Value]


def all_shortcuts() -> dict[str, Shortcut]:
    """Every shortcut of every file, by name; the simpler kinds need not come first."""
    return {
        name: shortcut
        for module in lookup.names(PACKAGE)
        for name, shortcut in lookup.load(PACKAGE, module).SHORTCUTS.items()
    }
