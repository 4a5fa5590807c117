"""The clips that the flags of avsync-evaluate name, opened for scoring."""

import functools
from pathlib import Path
from typing import Any

from avsync.bin import _test_flags


def open_views(dataset: str, late_frames: int = 0) -> Any:
    """The `avsync.evaluation.views.Views` to score, sound moved back by `late_frames`.

    ValueError if the clips cannot be used so.
    """
    from avsync.evaluation import clip_sets, views

    size: Any = {"batch_size": _test_flags.BATCH_SIZE.value}
    if _test_flags.FABRICATE.value:
        return clip_sets.views(open_clips(dataset, late_frames), **size)
    if _test_flags.FEATURES.value:
        paths = [
            Path(str(flag.value)).expanduser() for flag in (_test_flags.FEATURES, _test_flags.LIST)
        ]
        return views.open_feature_files(*paths, trim=_test_flags.TRIM.value, **size)
    return open_stored(dataset, late_frames)


def open_stored(dataset: str, late_frames: int = 0) -> Any:
    """The views of a dataset as it is prepared; ValueError if it, or its split, is not there."""
    from avsync.evaluation import views

    return views.open_dataset(
        dataset,
        _test_flags.SPLIT.value,
        data_dir=_test_flags.DATA_DIR.value,
        batch_size=_test_flags.BATCH_SIZE.value,
        late_frames=late_frames,
    )


@functools.lru_cache(maxsize=1)
def open_clips(dataset: str, late_frames: int = 0) -> Any:
    """The clips of a dataset, with the fakes of --fabricate, as a `ClipSet`."""
    from avsync import runtime
    from avsync.datasets._fakes import parse_kinds
    from avsync.datasets.base import open_source
    from avsync.evaluation import clip_sets
    from avsync.types import SplitEdits

    source = open_source(dataset, _test_flags.SPLIT.value, data_dir=_test_flags.DATA_DIR.value)
    source = source._replace(edits=SplitEdits(corpus_late_frames=late_frames))
    if not _test_flags.FABRICATE.value:
        return clip_sets.stored(source, limit=_test_flags.LIMIT.value)
    options: Any = {
        "seed": _test_flags.SEED.value,
        "plants_silence": _test_flags.SILENCE.value,
        "limit": _test_flags.LIMIT.value,
    }
    made = clip_sets.fabricated(source, kinds=parse_kinds(_test_flags.FABRICATE.value), **options)
    if not late_frames:
        runtime.announce(f"{source.dataset}/{source.split}: {(made.fabricated or {})['summary']}")
    return made
