"""The clips to evaluate: a split in two views, or feature files in one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from avsync.datasets._clip_lists import read_infos
from avsync.datasets.base import extracted_trims, open_source
from avsync.evaluation.lines import TRIMS, Metrics, view_of
from avsync.features import official
from avsync.input_pipeline.batching import EvalBatch, batched
from avsync.input_pipeline.evaluation import eval_batches, eval_range
from avsync.runtime import this_host
from avsync.types import Extraction, Source, SplitEdits


class Views(NamedTuple):
    """This process's batches of each view.

    dataset, split: as the report names them.
    batches: by view.
    num_clips: the clips in all `batches` together.
    extraction: how the features were made; None for clips.
    fabricated: what fakes were made of the clips, see `clip_sets`; None for those of the dataset.
    """

    dataset: str
    split: str
    batches: Mapping[str, Iterator[EvalBatch]]
    num_clips: int
    extraction: Extraction | None
    fabricated: Metrics | None = None


def open_dataset(
    dataset: str, split: str, *, data_dir: str, batch_size: int, late_frames: int = 0
) -> Views:
    """Both views of a split; of a feature dataset, the views that it was extracted for.

    The sound of all clips is moved back by `late_frames`, before it is trimmed.

    ValueError if a feature dataset has no view, or its views have different encoders.
    """
    edits = SplitEdits(corpus_late_frames=late_frames)
    sources = {
        view: source._replace(edits=edits)
        for view, source in _sources(dataset, split, data_dir=data_dir).items()
    }
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


def open_feature_files(folder: Path, clip_list: Path, *, trim: str, batch_size: int) -> Views:
    """The feature files below `folder` that a `path,label` list names, trimmed by the rule `trim`.

    An unreadable file becomes an unscored clip. ValueError if every file is unreadable, or the list
    is malformed.
    """
    infos = read_infos(clip_list)
    channels = official.channels(folder, infos)
    own = eval_range(len(infos), batch_size=batch_size, host=this_host())
    clips = official.whole_clips(folder, infos[own.start : own.stop], channels)
    batches = batched(clips, batch_size=batch_size)
    extraction = Extraction(trim, encoder="", channels=channels)
    return Views(str(folder), clip_list.stem, {view_of(trim): batches}, len(own), extraction)


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
            f"{dataset}: features extracted with --trim={' and --trim='.join(trims)} belong to no "
            f"view of a report; extract them with --trim={' or --trim='.join(TRIMS.values())}"
        )
    encoders = {source.extraction.encoder for source in sources.values() if source.extraction}
    if len(encoders) > 1:
        raise ValueError(
            f"{name}: the two views were extracted by different encoders, {sorted(encoders)}; "
            "extract both with the same weights, or evaluate one of them by its own name"
        )
    return sources
