"""What is evaluated: the clips of a split in two views, or files of features in one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from avsync.datasets._lists import read_infos
from avsync.datasets.base import extracted_trims, open_source
from avsync.evaluation.lines import TRIMS
from avsync.features import official
from avsync.input_pipeline.batching import EvalBatch, batched
from avsync.input_pipeline.evaluation import eval_batches, eval_range
from avsync.runtime import this_host
from avsync.types import Extraction, Source


class Views(NamedTuple):
    """This process's batches of each view; how all were extracted, if they are features.

    `dataset` and `split` are what a report calls them; `num_clips` are those of `batches` in all.
    """

    dataset: str
    split: str
    batches: Mapping[str, Iterator[EvalBatch]]
    num_clips: int
    extraction: Extraction | None


def of_dataset(dataset: str, split: str, *, data_dir: str, batch_size: int) -> Views:
    """Both views of a split, or of features those that they were extracted for.

    ValueError if they were extracted for none, or differently for the two.
    """
    sources = _sources(dataset, split, data_dir=data_dir)
    batches = {
        view: eval_batches(source, batch_size=batch_size, trim=TRIMS[view], host=this_host())
        for view, source in sources.items()
    }
    num_clips = sum(
        len(eval_range(source.num_clips, batch_size=batch_size, host=this_host()))
        for source in sources.values()
    )
    extraction = next(iter(sources.values())).extraction
    return Views(dataset, split, batches, num_clips, extraction)


def of_files(folder: Path, clip_list: Path, *, trim: str, batch_size: int) -> Views:
    """The features below `folder` of the clips in a `path,label` list, which were trimmed so.

    One that cannot be read is scored as such. ValueError if none can, or the list is no list.
    """
    infos = read_infos(clip_list)
    channels = official.channels(folder, infos)
    (view,) = (view for view, rule in TRIMS.items() if rule == trim)
    own = eval_range(len(infos), batch_size=batch_size, host=this_host())
    clips = official.whole_clips(folder, infos[own.start : own.stop], channels)
    batches = batched(clips, batch_size=batch_size)
    extraction = Extraction(trim, encoder="", channels=channels)
    return Views(str(folder), clip_list.stem, {view: batches}, len(own), extraction)


def _sources(dataset: str, split: str, *, data_dir: str) -> Mapping[str, Source]:
    name, _, config = dataset.partition("/")
    trims = extracted_trims(name, data_dir=data_dir)
    if not trims:
        return dict.fromkeys(TRIMS, open_source(dataset, split, data_dir=data_dir))
    wanted = [config] if config else trims
    sources = {
        view: open_source(f"{name}/{trim}", split, data_dir=data_dir)
        for view, trim in TRIMS.items()
        if trim in wanted
    }
    if not sources:
        raise ValueError(
            f"{dataset}: features trimmed by {' and '.join(trims)} are of no view of a report; "
            f"extract them with --trim={' or --trim='.join(TRIMS.values())}"
        )
    encoders = {source.extraction.encoder for source in sources.values() if source.extraction}
    if len(encoders) > 1:
        raise ValueError(
            f"{name}: its views were extracted by different encoders, {sorted(encoders)}; extract "
            "both with the same weights, or evaluate one of them by its own name"
        )
    return sources
