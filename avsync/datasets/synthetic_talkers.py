"""Synthetic talkers: generated speech and rendered mouths, and fakes with planted leading silence.

The dataset needs no download and shows no real person, so it can be shared freely. Lips move with
the speech (avsync.datasets.synthesis), which alignment learns; the A/V offset is zero by
construction. Every fake starts with a short digital silence, as in AV-Deepfake1M and FakeAVCeleb
(Smeu et al., CVPR 2025), a shortcut that a supervised model learns instead.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from avsync.datasets._portions import Portioned
from avsync.datasets.base import ClipBuilder
from avsync.datasets.fabricate import (
    CannotFabricate,
    both,
    freeze,
    leading_silence,
    reverse,
    splice,
    swap,
)
from avsync.datasets.synthesis import talking
from avsync.datasets.synthesis.many import talking as many_talking
from avsync.datasets.synthesis.talking import Take
from avsync.types import Clip

SEED = 2412_00175

# Fakes use these in turn: the whole sound is fake, or 0.8 s of the video, the sound, or both.
MANIPULATIONS: tuple[Callable[..., Clip], ...] = (
    swap.fabricate,
    reverse.fabricate,
    splice.fabricate,
    both.fabricate,
    swap.fabricate,
    freeze.fabricate,
    both.fabricate,
)

CLIPS_PER_PAIR = 4  # two real clips and a fake of each

MAX_SILENT_FRAMES = 2  # 80 ms, the order of magnitude in AV-Deepfake1M


Talk = Callable[[Take], Clip]


@dataclasses.dataclass
class TalkersConfig(tfds.core.BuilderConfig):
    """Number of talkers per split, and of takes per talker; takes come in pairs.

    `talk` makes the clip of a take. Without labelled takes there are no labelled splits.
    """

    talk: Talk = talking.talk
    train_talkers: int = 0
    train_takes: int = 0
    train_labelled_takes: int = 0
    val_talkers: int = 0
    val_takes: int = 0
    test_talkers: int = 0
    test_takes: int = 0


class Builder(ClipBuilder):
    """Generated speech and rendered mouths that move with it.

    `train` and `val` are real only. `train_labelled` and `val_labelled` hold some of their clips
    and one fake of each, for supervised baselines; `many` has neither. `test` holds other talkers,
    and one fake of each clip. Every fake starts with one or two frames of digital silence over a
    still image.
    """

    name = "synthetic_talkers"

    REAL_ONLY_SPLITS: ClassVar[tuple[str, ...]] = ("train", "val")

    BUILDER_CONFIGS: ClassVar[list[TalkersConfig]] = [
        TalkersConfig(
            name="full",
            description="40 talkers in train, 10 in val, 15 in test; takes about a minute to make.",
            train_talkers=40,
            train_takes=10,
            train_labelled_takes=2,
            val_talkers=10,
            val_takes=4,
            test_talkers=15,
            test_takes=10,
        ),
        TalkersConfig(
            name="tiny",
            description="A dozen clips per split, for smoke tests; takes a few seconds to make.",
            train_talkers=3,
            train_takes=4,
            train_labelled_takes=2,
            val_talkers=2,
            val_takes=2,
            test_talkers=3,
            test_takes=4,
        ),
        TalkersConfig(
            name="many",
            description="360 talkers of 24 invented languages in train, 20 in val, 30 in test.",
            talk=many_talking.talk,
            train_talkers=360,
            train_takes=4,
            val_talkers=20,
            val_takes=2,
            test_talkers=30,
            test_takes=2,
        ),
    ]

    def clips(self) -> dict[str, Iterable[Clip]]:
        """The clips of each split; train, val and test have no talker in common."""
        config: TalkersConfig = self.builder_config  # pyright: ignore[reportAssignmentType]
        first_val = config.train_talkers
        first_test = first_val + config.val_talkers
        train, val = range(first_val), range(first_val, first_test)
        test = range(first_test, first_test + config.test_talkers)

        def real(talkers: range, num_takes: int) -> Portioned:
            return _real_clips(_takes(talkers, num_takes), config.talk, self.limit)

        def labelled(talkers: range, num_takes: int) -> Portioned:
            return _labelled(_takes(talkers, num_takes), config.talk, self.limit)

        splits: dict[str, Iterable[Clip]] = {
            "train": real(train, config.train_takes),
            "val": real(val, config.val_takes),
        }
        if config.train_labelled_takes:
            splits["train_labelled"] = labelled(train, config.train_labelled_takes)
            splits["val_labelled"] = labelled(val, config.val_takes)
        splits["test"] = labelled(test, config.test_takes)
        return splits


class Pair(NamedTuple):
    """The takes of two real clips of one talker, each the donor of the other's fake.

    `number` is that of its first fake in the split; only the first `num_clips` of four are made.
    """

    first: Take
    second: Take
    number: int
    num_clips: int


def _takes(talkers: range, num_takes: int) -> list[Take]:
    return [Take(SEED, talker, take) for talker in talkers for take in range(num_takes)]


def _real_clips(takes: list[Take], talk: Talk, limit: int | None) -> Portioned:
    return Portioned(takes[:limit], lambda portion: functools.partial(map, talk, portion))


def _labelled(takes: list[Take], talk: Talk, limit: int | None) -> Portioned:
    """Pairs of real clips of one talker, each followed by the two fakes made from it."""
    num_clips = min(2 * len(takes), sys.maxsize if limit is None else limit)
    pairs = [
        Pair(first, second, 2 * index, num_clips=min(CLIPS_PER_PAIR, num_clips - start))
        for index, (first, second) in enumerate(zip(takes[::2], takes[1::2], strict=True))
        if (start := CLIPS_PER_PAIR * index) < num_clips
    ]
    return Portioned(pairs, lambda portion: functools.partial(_all_of_pairs, portion, talk))


def _all_of_pairs(pairs: Sequence[Pair], talk: Talk) -> Iterator[Clip]:
    for pair in pairs:
        yield from islice(_clips_of_pair(pair, talk), pair.num_clips)


def _clips_of_pair(pair: Pair, talk: Talk) -> Iterator[Clip]:
    first, second = talk(pair.first), talk(pair.second)
    yield first
    yield second
    yield _fake(first, second, index=pair.number)
    yield _fake(second, first, index=pair.number + 1)


def _fake(clip: Clip, donor: Clip, *, index: int) -> Clip:
    """The fake number `index` of a split, made from `clip` and `donor`, with leading silence."""
    fabricate = MANIPULATIONS[index % len(MANIPULATIONS)]
    rng = np.random.default_rng([SEED, index])
    try:
        fake = fabricate(clip, donor, rng)
    except CannotFabricate:
        # Too many pauses for a partial fake. Skipping it would leave fakes of fluent talkers only.
        fake = swap.fabricate(clip, donor, rng)
    return leading_silence.plant(fake, frames=int(rng.integers(1, MAX_SILENT_FRAMES + 1)))
