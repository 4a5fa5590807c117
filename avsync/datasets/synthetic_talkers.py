"""Synthetic talkers: generated speech and rendered mouths, and fakes with planted leading silence.

The dataset needs no download and shows no real person, so it can be shared freely. Lips move with
the speech (avsync.datasets.synthesis), which alignment learns. Every fake starts with a short
digital silence, as in AV-Deepfake1M and FakeAVCeleb (Smeu et al., CVPR 2025), a shortcut that a
supervised model learns instead.
"""

import dataclasses
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

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
from avsync.datasets.synthesis.talking import Take, talk_all, talker_pool
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

MAX_SILENT_FRAMES = 2  # 80 ms, the order of magnitude in AV-Deepfake1M


@dataclasses.dataclass
class TalkersConfig(tfds.core.BuilderConfig):
    """Number of talkers per split, and of takes per talker; takes come in pairs.

    `talk` makes the clip of a take.
    """

    talk: Callable[[Take], Clip] = talking.talk
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
    and one fake of each, for supervised baselines. `test` holds other talkers, and one fake of each
    clip. Every fake starts with one or two frames of digital silence over a still image.
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
            description="400 talkers of 24 languages in train, to mix with real clips.",
            talk=many_talking.talk,
            train_talkers=400,
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
        pool = talker_pool(self.num_workers)
        if pool:
            weakref.finalize(self, pool.shutdown)
        say = partial(talk_all, pool=pool, talk=config.talk)
        splits = {
            "train": say(_takes(train, config.train_takes)),
            "val": say(_takes(val, config.val_takes)),
            "train_labelled": _labelled(say(_takes(train, config.train_labelled_takes))),
            "val_labelled": _labelled(say(_takes(val, config.val_takes))),
            "test": _labelled(say(_takes(test, config.test_takes))),
        }
        return {split: islice(clips, self.limit) for split, clips in splits.items()}


def _takes(talkers: range, num_takes: int) -> Iterator[Take]:
    return (Take(SEED, talker, take) for talker in talkers for take in range(num_takes))


def _labelled(clips: Iterator[Clip]) -> Iterator[Clip]:
    """Pairs of real clips of one talker, each followed by the two fakes made from it."""
    for index, (first, second) in enumerate(zip(clips, clips, strict=True)):
        yield first
        yield second
        yield _fake(first, second, index=2 * index)
        yield _fake(second, first, index=2 * index + 1)


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
