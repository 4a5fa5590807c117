"""Config to the data of a training: one dataset or the members of a mixture, and the batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax

from avsync import lookup
from avsync.config import Config
from avsync.datasets.base import open_source
from avsync.input_pipeline import mixing
from avsync.input_pipeline.official_order import (
    file_order_batches,
    num_batches,
    require_single_process,
)
from avsync.input_pipeline.training import BALANCES, BY_CLIP, TrainBatch, count_slots, train_batches
from avsync.pp import silence
from avsync.pp.augmentation import Augmentation
from avsync.pp.pseudo_fakes import PseudoFakes
from avsync.runtime import this_host
from avsync.types import STREAMS, Extraction, FeatureOrigin, Source

SHUFFLED, FILE = "shuffled", "file"
ORDERS = (SHUFFLED, FILE)


class Member(NamedTuple):
    """A split of a dataset that is trained on, and its share of the rows, 0 to 1."""

    source: Source
    share: float


class Epochs(NamedTuple):
    """num_steps: updates per epoch. batches: (first_step) -> the batches from that update on."""

    num_steps: int
    batches: Callable[[int], Iterator[TrainBatch]]


def dataset_shares(config: Config) -> dict[str, float]:
    """The share of each dataset in the rows of the batches, by name, sorted; they add up to 1.

    ValueError if config.data names no dataset, or names them twice, or if a weight is invalid.
    """
    data = config.data
    mixture = {name: float(weight) for name, weight in sorted(data.mixture.items())}
    if mixture and data.dataset:
        raise ValueError(
            f"config.data.dataset is {data.dataset!r} and config.data.mixture is {mixture}: set "
            "config.data.dataset = '' to train on the mixture"
        )
    if not mixture and not data.dataset:
        raise ValueError("config.data names no dataset: set config.data.dataset, or data.mixture")
    return mixing.shares(mixture or {data.dataset: 1.0})


def open_members(config: Config, split: str) -> list[Member]:
    """This split of all datasets of the training, sorted by name.

    ValueError if one is not found, or if their contents do not mix.
    """
    data = config.data
    silence.rule(data.trim)  # checked before any data is read
    shares = dataset_shares(config)
    lookup.require("order", data.order, list(ORDERS))
    lookup.require("config.data.balance", data.balance, list(BALANCES))
    if data.balance != BY_CLIP and data.order != SHUFFLED:
        raise ValueError(
            f"config.data.balance={data.balance!r} draws clips, and config.data.order="
            f"{data.order!r} reads all frames in their order on disk: use 'shuffled'"
        )
    if len(shares) > 1 and data.order != SHUFFLED:
        raise ValueError(
            f"config.data.order={data.order!r} reads the frames of one dataset, and "
            f"config.data.mixture names {len(shares)}: use 'shuffled'"
        )
    members = [
        Member(open_source(name, split, data_dir=data.data_dir, trim=data.trim), share)
        for name, share in shares.items()
    ]
    for member in members[1:]:
        _require_same_content(members[0].source, member.source)
    return members


def make_epochs(
    config: Config, members: Sequence[Member], *, pseudo_fakes: PseudoFakes | None = None
) -> Epochs:
    """The batches in config.data.order; ValueError if it cannot be read in that order.

    A shuffled epoch has as many rows as all datasets have clips together.
    """
    data = config.data
    sources = [member.source for member in members]
    if data.order == SHUFFLED:
        count_slots(*sources, batch_size=data.batch_size, host=this_host())  # raises if uneven
        return Epochs(
            num_steps=-(-sum(source.num_clips for source in sources) // data.batch_size),
            batches=lambda first_step: train_batches(
                *sources,
                weights=[member.share for member in members],
                batch_size=data.batch_size,
                window_frames=data.window_frames,
                trim=data.trim,
                seed=config.seed,
                balance=data.balance,
                first_step=first_step,
                host=this_host(),
                augmentation=Augmentation(**data.augmentation),
                pseudo_fakes=pseudo_fakes,
            ),
        )
    require_single_process(this_host())
    (source,) = sources
    return Epochs(
        num_steps=num_batches(source, frames_per_batch=data.frames_per_batch),
        batches=lambda first_step: file_order_batches(
            source,
            frames_per_batch=data.frames_per_batch,
            num_rows=jax.local_device_count(),
            reach_frames=config.model.reach_frames,
            trim=data.trim,
            first_step=first_step,
        ),
    )


def _require_same_content(one: Source, other: Source) -> None:
    """ValueError if one model cannot read both datasets."""
    names = f"config.data.mixture: {one.dataset} and {other.dataset} do not mix"
    if not (one.extraction and other.extraction):
        if one.extraction or other.extraction:
            features, clips = (one, other) if one.extraction else (other, one)
            raise ValueError(
                f"{names}: {features.dataset} holds extracted features, {clips.dataset} clips. "
                f"Extract the features of {clips.dataset} too, or mix the clips of both"
            )
        return
    for what, ours, theirs in _encoders(one.extraction, other.extraction):
        # "" is unknown.
        if ours and theirs and ours != theirs:
            raise ValueError(
                f"{names}: their features have the {what} {ours} and {theirs}. Extract both with "
                "the same encoder (avsync-extract)"
            )


def _encoders(one: Extraction, other: Extraction) -> list[tuple[str, object, object]]:
    ours, theirs = (FeatureOrigin.parse(x.encoder) for x in (one, other))
    sizes = [[x.channels.get(stream, 0) for stream in STREAMS] for x in (one, other)]
    return [
        ("encoder", ours.encoder, theirs.encoder),
        ("fingerprint", ours.fingerprint, theirs.fingerprint),
        ("channels", sizes[0], sizes[1]),
    ]
