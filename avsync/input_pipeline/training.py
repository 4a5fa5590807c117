"""Training batches: shuffle, skip, decode, trim, window, augment.

Batch n is a function of (seed, n) alone, and each host reads its rows of it. Batch n holds the
clips at positions n * batch_size to (n + 1) * batch_size of a stream; the randomness of position g
is drawn from (seed, g).

Rows are read by slots, so that a host reads its own rows only. Slot r of S has the positions
g = r (mod S). The slots do not depend on the number of hosts; hosts share them.

Each dataset has a stream of its own, also in slots: by avsync.input_pipeline.shuffled all clips
equally often, by avsync.input_pipeline.talkers all talkers. Slot r of a mixture takes the clips of
slot r of all datasets, in their order; avsync.input_pipeline.mixing says from which dataset the
next one is. A resumed run skips serialized clips before anything is parsed or decoded.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from avsync import lookup
from avsync.input_pipeline import mixing
from avsync.input_pipeline.damage import read_rows
from avsync.input_pipeline.records import (
    SINGLE_HOST,
    Fields,
    Records,
    host_range,
    no_autograph,
    num_files,
    open_records,
)
from avsync.input_pipeline.shuffled import ReadFrom, shuffled_clips
from avsync.input_pipeline.talkers import balanced_clips
from avsync.pp import frames
from avsync.pp.augmentation import Augmentation
from avsync.pp.pseudo_fakes import PseudoFakes, draw
from avsync.types import Batch, Host, Source

# Serialized clips in the shuffle buffers; at about 0.4 MB each, this is below 0.5 GB.
SHUFFLE_CLIPS = 1024

# The most slots of a batch, and so the most hosts. Each has a shuffle buffer and an open file.
MAX_SLOTS = 64

# Slots whose parts lie in one file each read it from its beginning. For datasets of few files this
# limit keeps the total reading below three times the size of the data.
MAX_SLOTS_OF_FEW_FILES = 4


# All clips equally often, or all talkers.
BY_CLIP, BY_IDENTITY = "clip", "identity"
BALANCES = (BY_CLIP, BY_IDENTITY)

# Folded into the seed of the window: batches without pseudo-fakes stay what they are.
PSEUDO_FAKE_STREAM = 1


class TrainBatch(NamedTuple):
    """A batch for the device and, for the log, a clip id for each row.

    A row of several clips has the id of a fake, if there is one. In a mixture, the name of the
    dataset stands before the id.
    """

    batch: Batch
    clip_ids: list[str]


def train_batches(
    *sources: Source,
    weights: Sequence[float] = (1.0,),
    batch_size: int,
    window_frames: int,
    trim: str,
    seed: int,
    balance: str = BY_CLIP,
    first_step: int = 0,
    host: Host = SINGLE_HOST,
    augmentation: Augmentation | None = None,
    pseudo_fakes: PseudoFakes | None = None,
) -> Iterator[TrainBatch]:
    """An endless stream of this host's rows of the batches, from batch `first_step` on.

    `weights` are the shares of `sources` in the rows, in any unit; `balance` is one of BALANCES,
    how the clips of each are drawn. `batch_size` counts the rows of all hosts. Without
    `augmentation` crops are centre-cropped. With `pseudo_fakes` some clips are changed before they
    are augmented; `forged` marks the forged frames, and the loss mask leaves out changed clips.
    ValueError if a dataset has no clip, or if the hosts cannot share the rows evenly.
    """
    lookup.require("config.data.balance", balance, list(BALANCES))
    for source in sources:
        if source.num_clips == 0:
            raise ValueError(f"{source.dataset}/{source.split} has no clips to train on")
    num_slots = count_slots(*sources, batch_size=batch_size, host=host)
    rows_per_slot = batch_size // num_slots
    quotas = mixing.quotas(weights)
    streams = []
    for i, (source, quota) in enumerate(zip(sources, quotas, strict=True)):
        # Without seeds of their own, datasets of the same clips in other versions would be in step.
        own: dict[str, Any] = {"seed": seed + (i << 32), "num_slots": num_slots}
        if balance == BY_IDENTITY:
            streams.append(balanced_clips(source, **own))
        else:
            buffer_clips = SHUFFLE_CLIPS * quota // mixing.BLOCK_ROWS
            streams.append(shuffled_clips(source, **own, buffer_clips=buffer_clips))
    read_mixed = _mixed(streams, mixing.Mixing(quotas, seed=seed, num_slots=num_slots), num_slots)
    records = [open_records(source, trim=trim) for source in sources]
    parse, first = _parse_any(records), records[0]

    @no_autograph
    def read_slot(slot: Any) -> tf.data.Dataset:
        first_row = first_step * rows_per_slot
        positions = tf.data.Dataset.range(slot + first_row * num_slots, tf.int64.max, num_slots)
        return tf.data.Dataset.zip(positions, read_mixed(slot, first_row))

    @no_autograph
    def make_example(position: tf.Tensor, item: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Any]:
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), position]), 3)
        dataset, record = item
        clip = parse(dataset, record)
        span = first.trim(clip, seeds[0])
        num_source = first.source_frames(window_frames, augmentation, seeds[2])
        span = frames.random_window(span, window_frames=num_source, seed=seeds[1])
        marks = {}
        if pseudo_fakes:
            own: Any = tf.random.fold_in(seeds[1], PSEUDO_FAKE_STREAM)
            draws = draw(span.end - span.first, options=pseudo_fakes, seed=own)
            clip, span = first.change(clip, span, draws)
            forged = first.shown(draws.forged(span.end), augmentation, seeds[2])
            forged = frames.pad(forged[:window_frames], window_frames)
            marks = {"forged": forged, "is_changed": draws.is_changed}
        visual, audio = first.load(clip, span, augmentation, seeds[2])
        num_steps = window_frames * first.audio_steps
        return marks | {
            "dataset": dataset,
            "clip_id": clip["clip_id"],
            "visual": frames.pad(visual[:window_frames], window_frames),
            "audio": frames.pad(audio[:num_steps], num_steps),
            "valid": tf.range(window_frames) < tf.shape(visual)[0],
            "label": clip["label"],
        }

    slots = host_range(num_slots, host)
    dataset = (
        tf.data.Dataset.range(slots.start, slots.stop)
        # A batch holds the rows of the first slot, then those of the second, and so on. The rows of
        # all hosts, concatenated, are therefore the batch of a single host.
        .interleave(read_slot, cycle_length=len(slots), block_length=rows_per_slot)
        .map(make_example, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(len(slots) * rows_per_slot, drop_remainder=True)
        .prefetch(2)
    )
    prefixes = [f"{source.dataset}: " if len(sources) > 1 else "" for source in sources]
    for item in read_rows(dataset, *sources):
        valid = item["valid"]
        in_loss = valid & ~item["is_changed"][:, None] if pseudo_fakes else valid
        batch = Batch(
            item["visual"], item["audio"], valid, in_loss, item["label"], item.get("forged")
        )
        rows = zip(item["dataset"], item["clip_id"], strict=True)
        yield TrainBatch(batch, [f"{prefixes[i]}{clip_id.decode()}" for i, clip_id in rows])


def count_slots(*sources: Source, batch_size: int, host: Host) -> int:
    """The number of slots that read a batch, independent of the number of hosts.

    The dataset of the fewest files limits it. ValueError if the hosts cannot share the slots
    evenly.
    """
    fewest = min(sources, key=num_files)
    most = min(MAX_SLOTS, max(num_files(fewest), MAX_SLOTS_OF_FEW_FILES))
    num_slots = max(n for n in range(1, most + 1) if batch_size % n == 0)
    if num_slots % host.count:
        raise ValueError(
            f"{fewest.dataset}/{fewest.split} has {num_files(fewest)} files, so batches of "
            f"{batch_size} clips are read in {num_slots} parts, which {host.count} processes "
            f"cannot share evenly. The number of processes must divide {num_slots}: change it, "
            "change config.data.batch_size, or prepare the dataset in more files."
        )
    return num_slots


def _mixed(
    streams: Sequence[ReadFrom], mix: mixing.Mixing, num_slots: int
) -> Callable[[Any, int], tf.data.Dataset]:
    """(slot, row) -> (index of the dataset, serialized clip) of this row of the slot and on."""

    def numbered(number: int, clips: tf.data.Dataset) -> tf.data.Dataset:
        return clips.map(lambda clip: (tf.constant(number, tf.int64), clip))

    @no_autograph
    def read(slot: Any, row: int) -> tf.data.Dataset:
        if len(streams) == 1:
            return numbered(0, streams[0](slot, slot + row * num_slots))
        before = mix.rows_before(slot, row)
        clips = [
            numbered(i, stream(slot, slot + before[i] * num_slots))
            for i, stream in enumerate(streams)
        ]
        return tf.data.Dataset.choose_from_datasets(clips, mix.choices(slot, row))

    return read


def _parse_any(records: Sequence[Records]) -> Callable[[tf.Tensor, tf.Tensor], Fields]:
    """(index of the dataset, serialized clip) -> the fields that training reads."""
    if len(records) == 1:
        return lambda dataset, record: records[0].parse(record)

    def fields(clip: Fields) -> Fields:
        names = ("clip_id", "label", *records[0].streams)
        # Features may be stored in bfloat16 in one dataset and in float32 in another.
        return {
            name: tf.cast(clip[name], tf.float32) if clip[name].dtype.is_floating else clip[name]
            for name in names
        }

    def parse(dataset: tf.Tensor, record: tf.Tensor) -> Fields:
        branches = [lambda each=each: fields(each.parse(record)) for each in records]
        return tf.switch_case(tf.cast(dataset, tf.int32), branches)

    return parse
