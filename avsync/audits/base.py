"""A shortcut: a property of a clip, other than its speech and lips, that may separate fakes.

Each file of `avsync.audits.shortcuts` has a dict `SHORTCUTS` by name. A measured value has one of
three kinds:

- a number ranks the clips by itself;
- a string, a category such as a codec, ranks them by the share of fakes among other clips with it;
- a vector ranks them by a linear probe trained on other clips.

None means unknown for that clip.
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
    """A clip in one view, original or trimmed: the input of a shortcut.

    waveform: never empty.
    media: what preparation recorded about the raw file; {} if there was none.
    splits_with_source: other splits of the dataset that hold the clip, its source, or another fake
      of that source.
    splits_with_identity: other splits with the same speaker; None if the speaker is unknown.
    """

    waveform: Int16[np.ndarray, " s"]
    media: Mapping[str, Any]
    splits_with_source: tuple[str, ...] = ()
    splits_with_identity: tuple[str, ...] | None = None

    @property
    def num_frames(self) -> int:
        return len(self.waveform) // SAMPLES_PER_FRAME


class Shortcut(NamedTuple):
    """`description` is a noun phrase; `unit` is that of a number, "" if it has none."""

    description: str
    unit: str
    measure: Callable[[AuditedClip], Value]


def all_shortcuts() -> dict[str, Shortcut]:
    """All shortcuts of all files, by name."""
    return {
        name: shortcut
        for module in lookup.names(PACKAGE)
        for name, shortcut in lookup.load(PACKAGE, module).SHORTCUTS.items()
    }
