"""The extraction job: shard by shard, resumable; each rejected clip is recorded with its reason.

A shard is a few hundred clips that are read together, sorted by length, encoded, and written
atomically. The assignment of clips to shards, and so the computation, depends on the source alone.
A resumed job skips finished shards.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, runtime_checkable

from avsync.features.extractor import FeatureExtractor
from avsync.features.ledger import Split
from avsync.input_pipeline.evaluation import whole_clips
from avsync.media.rejects import Reject
from avsync.runtime import Progress, allgather_json, is_first, this_host
from avsync.types import ClipFeatures, ClipInfo, Extraction, Host, Source, WholeClip

# About 200 MB of features in bfloat16, and 0.4 GB of mouth crops that wait for the encoder.
SHARD_CLIPS = 256


class Shard(NamedTuple):
    """The readable clips of a shard; (id, reason) of each clip that cannot be read."""

    clips: Sequence[Any]
    rejects: Sequence[tuple[str, Reject]] = ()


class SplitTask(NamedTuple):
    """A split to extract, of `num_clips` clips; `read` returns the shard of an index."""

    split: Split
    num_clips: int
    read: Callable[[int], Shard]


@runtime_checkable
class Sink(Protocol):
    """The destination of features and their type: a `FeatureDataset` or an `NpzFolder`."""

    dtype: str

    def is_written(self, split: Split, index: int) -> bool: ...
    def write(
        self,
        split: Split,
        index: int,
        *,
        clips: Sequence[ClipFeatures],
        rejects: Sequence[tuple[str, Reject]],
    ) -> None: ...
    def finish(self) -> int: ...


def from_dataset(source: Source, *, trim: str) -> SplitTask:
    """The extraction of a dataset's split; its clips may be features already."""
    num_shards = _num_shards(source.num_clips)

    def read(index: int) -> Shard:
        clips = list(whole_clips(source, trim=trim, host=Host(index, num_shards)))
        return Shard([_as_features(clip) if source.extraction else clip for clip in clips])

    name = source.split
    return SplitTask(Split(name, num_shards, source.is_real_only), source.num_clips, read)


def from_files(name: str, infos: Sequence[ClipInfo], load: Callable[[ClipInfo], Any]) -> SplitTask:
    """The extraction of a split of files; `load` returns the clip of an info, or raises Reject."""
    num_shards = _num_shards(len(infos))

    def read(index: int) -> Shard:
        clips, rejects = [], []
        for info in infos[index * SHARD_CLIPS : (index + 1) * SHARD_CLIPS]:
            try:
                clips.append(load(info))
            except Reject as reject:
                rejects.append((info.clip_id, reject))
        return Shard(clips, rejects)

    return SplitTask(Split(name, num_shards, is_real_only=True), len(infos), read)


def extract(
    tasks: Sequence[SplitTask],
    sink: Sink,
    *,
    extractor: FeatureExtractor | None,
    extraction: Extraction,
) -> int:
    """Writes this process's shards of all `tasks`; returns the number of rejects of the whole job.

    Without an `extractor`, the clips must be features already. ValueError if no clip is readable.
    """
    host = this_host()
    shards = [(task, index) for task in tasks for index in range(task.split.num_shards)]
    shards = shards[host.index :: host.count]
    pending = [(task, i) for task, i in shards if not sink.is_written(task.split, i)]
    # Of this process; its shards may hold more clips than those of another.
    total = round(sum(task.num_clips / task.split.num_shards for task, _ in shards))
    left = sum(task.num_clips / task.split.num_shards for task, _ in pending)
    num_clips = 0
    with (
        Progress("extracting", total=total, done=round(total - left)) as progress,
        ThreadPoolExecutor(1) as reader,
    ):

        def advance(num_done: int) -> None:
            progress.advance_to(min(progress.done + num_done, total))

        # The next shard is read while the encoder processes this one.
        reads = [reader.submit(task.read, i) for task, i in pending[:1]]
        for k, (task, index) in enumerate(pending):
            clips, rejects = reads.pop().result()
            reads += [reader.submit(task.read, i) for task, i in pending[k + 1 : k + 2]]
            if extractor is not None:
                features = extractor.extract(clips, channels=extraction.channels, advance=advance)
            else:
                features = clips
                advance(len(clips))
            sink.write(task.split, index, clips=features, rejects=rejects)
            advance(len(rejects))
            num_clips += len(clips)
    # All shards of all processes are written after this exchange.
    counts = allgather_json([len(pending), num_clips])
    num_rejects = allgather_json(sink.finish() if is_first() else None)[0]
    num_pending, num_clips = map(sum, zip(*counts, strict=True))
    if num_pending and not num_clips:
        raise ValueError(f"all {num_rejects} clips were rejected; rejects.jsonl has the reasons")
    return num_rejects


def _num_shards(num_clips: int) -> int:
    return max(-(-num_clips // SHARD_CLIPS), 1)


def _as_features(clip: WholeClip) -> ClipFeatures:
    return ClipFeatures(clip.info, {"visual": clip.visual, "audio": clip.audio})
