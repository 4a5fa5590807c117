"""What a card tells of a dataset, gathered from the dataset as it is stored."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.datasets.base import open_source, split_names
from avsync.input_pipeline.sampling import Glimpse, draw_numbers, read_glimpses
from avsync.types import FAKE

# Of a split that are looked at. 500 clips tell a share within 5 percentage points (1.96 standard
# errors of a half are 4.4), and are read in two seconds of CPU time, however many there are.
MAX_CLIPS_PER_SPLIT = 500

SEED = 0

CLASSES = ("real", "fake")


class SplitContents(NamedTuple):
    """A split: how many clips it has, and those of them that were looked at."""

    name: str
    num_clips: int
    is_real_only: bool
    glimpses: Sequence[Glimpse]

    @property
    def weight(self) -> float:
        """How many clips of the split each of those that were looked at stands for."""
        return self.num_clips / max(len(self.glimpses), 1)

    @property
    def about(self) -> str:
        """What stands before a number of clips that was estimated."""
        return "≈" if self.num_clips > len(self.glimpses) else ""

    def tally(self, kind: Callable[[Glimpse], str]) -> Counter[str]:
        """Clips of each kind, estimated for the whole split."""
        counts = Counter(map(kind, self.glimpses))
        return Counter({name: round(n * self.weight) for name, n in counts.items()})

    def of_class(self, label: str) -> list[Glimpse]:
        """Those that were looked at of one of CLASSES."""
        return [clip for clip in self.glimpses if class_of(clip) == label]

    def hours(self) -> float:
        """Of all its clips together."""
        return sum(clip.seconds for clip in self.glimpses) * self.weight / 3600


class Contents(NamedTuple):
    """All splits of a dataset. `max_clips` of a split were looked at."""

    splits: Sequence[SplitContents]
    max_clips: int

    @property
    def num_clips(self) -> int:
        """Of all splits together."""
        return sum(split.num_clips for split in self.splits)

    @property
    def is_sampled(self) -> bool:
        """Whether there are more clips than were looked at."""
        return any(split.num_clips > len(split.glimpses) for split in self.splits)

    def values(self, label: str, value: Callable[[Glimpse], float]) -> np.ndarray:
        """[n] of one of CLASSES, each clip that was looked at as often as it stands for others."""
        return np.concatenate(
            [
                np.repeat([value(clip) for clip in split.of_class(label)], round(split.weight))
                for split in self.splits
            ]
        )


def class_of(clip: Glimpse) -> str:
    """One of CLASSES."""
    return CLASSES[clip.label == FAKE]


def look_into(
    dataset: str, *, data_dir: Path, max_clips: int = MAX_CLIPS_PER_SPLIT, seed: int = SEED
) -> Contents:
    """At most `max_clips` clips of each split of the dataset, drawn at random."""
    splits = []
    for name in split_names(dataset, data_dir=data_dir):
        source = open_source(dataset, name, data_dir=data_dir)
        numbers = draw_numbers(source.num_clips, max_clips=max_clips, seed=seed)
        splits.append(
            SplitContents(
                name, source.num_clips, source.is_real_only, list(read_glimpses(source, numbers))
            )
        )
    return Contents(splits, max_clips)


def media_text(clip: Glimpse, template: str, *names: str) -> str:
    """`template` with what is known of the clip's raw file, "" if one of `names` is not."""
    values: list[Any] = [clip.media.get(name) for name in names]
    return "" if None in values else template.format(*values)
