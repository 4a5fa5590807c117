"""The contents of a stored dataset: its splits, and a random sample of the clips of each."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.datasets.base import open_source, split_names
from avsync.input_pipeline.sampling import ClipSample, draw_indices, read_samples
from avsync.types import FAKE

# Sample size per split. 500 clips estimate a share within 5 percentage points (1.96 standard errors
# of a share of one half are 4.4) and are read in two seconds of CPU time, however large the split.
MAX_CLIPS_PER_SPLIT = 500

SEED = 0

CLASSES = ("real", "fake")


class SplitContents(NamedTuple):
    """A split: its number of clips, and the sampled clips."""

    name: str
    num_clips: int
    is_real_only: bool
    samples: Sequence[ClipSample]

    @property
    def weight(self) -> float:
        """Number of clips of the split per sampled clip."""
        return self.num_clips / max(len(self.samples), 1)

    @property
    def about(self) -> str:
        """Prefix for estimated numbers of clips; "" if all clips were sampled."""
        return "≈" if self.num_clips > len(self.samples) else ""

    def tally(self, kind: Callable[[ClipSample], str]) -> Counter[str]:
        """Number of clips of each kind, estimated for the whole split."""
        counts = Counter(map(kind, self.samples))
        return Counter({name: round(n * self.weight) for name, n in counts.items()})

    def of_class(self, label: str) -> list[ClipSample]:
        """The sampled clips of a class, "real" or "fake"."""
        return [clip for clip in self.samples if class_of(clip) == label]

    def hours(self) -> float:
        """Total length of the split in hours, estimated from the sample."""
        return sum(clip.seconds for clip in self.samples) * self.weight / 3600


class Contents(NamedTuple):
    """All splits of a dataset; at most `max_clips` of each were sampled."""

    splits: Sequence[SplitContents]
    max_clips: int

    @property
    def num_clips(self) -> int:
        """Total number of clips of all splits."""
        return sum(split.num_clips for split in self.splits)

    @property
    def is_sampled(self) -> bool:
        """True if some split has more clips than were sampled."""
        return any(split.num_clips > len(split.samples) for split in self.splits)

    def values(self, label: str, value: Callable[[ClipSample], float]) -> np.ndarray:
        """Values [n] of the sampled clips of a class, each repeated by the weight of its split."""
        return np.concatenate(
            [
                np.repeat([value(clip) for clip in split.of_class(label)], round(split.weight))
                for split in self.splits
            ]
        )


def class_of(clip: ClipSample) -> str:
    """The class of a clip, one of CLASSES."""
    return CLASSES[clip.label == FAKE]


def read_contents(
    dataset: str, *, data_dir: Path, max_clips: int = MAX_CLIPS_PER_SPLIT, seed: int = SEED
) -> Contents:
    """Reads at most `max_clips` clips of each split of the dataset, drawn at random."""
    splits = []
    for name in split_names(dataset, data_dir=data_dir):
        source = open_source(dataset, name, data_dir=data_dir)
        numbers = draw_indices(source.num_clips, max_clips=max_clips, seed=seed)
        splits.append(
            SplitContents(
                name, source.num_clips, source.is_real_only, list(read_samples(source, numbers))
            )
        )
    return Contents(splits, max_clips)


def media_text(clip: ClipSample, template: str, *names: str) -> str:
    """`template` filled with properties of the clip's raw file; "" if one of `names` is unknown."""
    values: list[Any] = [clip.media.get(name) for name in names]
    return "" if None in values else template.format(*values)
