"""The clips that avsync-evaluate tests on: a dataset, fakes made of one, or feature files."""

import functools
import textwrap
from pathlib import Path
from typing import Any

from absl import flags

from avsync.bin.base import UsageError
from avsync.config import files

DATASET = flags.DEFINE_string("dataset", None, "Dataset in --data_dir, NAME or NAME/CONFIG.")
SPLIT = flags.DEFINE_string("split", "test", "Split to score.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared datasets.")
FEATURES = flags.DEFINE_string("features_npz", None, "Features (CLIP.npz), instead of --dataset.")
LIST = flags.DEFINE_string("list", None, "FILE.csv with path,label: the clips of --features_npz.")
TRIM = flags.DEFINE_enum("trim", "none", ["none", "leading"], "Trimming of --features_npz.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Clips per batch.", lower_bound=1)
FABRICATE = flags.DEFINE_list(
    "fabricate",
    None,
    "Fakes to make of the split, whose clips must all be real: all, or some of swap, shift, "
    "splice, freeze, reverse and both, or single kinds such as splice_0.8s. Sound is borrowed from "
    "the same talker where identities are known.",
)
SEED = flags.DEFINE_integer("seed", 0, "Seed of --fabricate and --distort.", lower_bound=0)
SILENCE = flags.DEFINE_bool("fabricate_silence", False, "Plant leading silence in the fakes.")
LIMIT = flags.DEFINE_integer(
    "limit", None, "Use only the first clips, with --fabricate or --distort.", lower_bound=1
)
DISTORT = flags.DEFINE_string(
    "distort",
    None,
    "Instead of one evaluation, one under each of these distortions: NAME[:ARG] or any file, "
    f"PATH.py[:ARG]. Known grids:\n{textwrap.indent(files.summary(files.DISTORT), '  ')}",
)


def require_clips() -> None:
    """UsageError unless the flags name either a dataset or feature files."""
    if bool(DATASET.value) == bool(FEATURES.value) or bool(FEATURES.value) != bool(LIST.value):
        raise UsageError("give either --dataset, or both --features_npz and --list")
    if (FABRICATE.value or DISTORT.value) and not DATASET.value:
        raise UsageError("--fabricate and --distort need --dataset: features cannot be changed")
    if LIMIT.value and not (FABRICATE.value or DISTORT.value):
        raise UsageError("--limit needs --fabricate or --distort")


def open_views() -> Any:
    """The `avsync.evaluation.views.Views` to score; ValueError if the clips cannot be used so."""
    from avsync.evaluation import clip_sets, views

    size: Any = {"batch_size": BATCH_SIZE.value}
    if FABRICATE.value or DISTORT.value:
        return clip_sets.views(open_clips(), **size)
    if DATASET.value:
        return views.open_dataset(DATASET.value, SPLIT.value, data_dir=DATA_DIR.value, **size)
    paths = [Path(str(flag.value)).expanduser() for flag in (FEATURES, LIST)]
    return views.open_feature_files(*paths, trim=TRIM.value, **size)


@functools.cache
def open_clips() -> Any:
    """The clips of --dataset, with the fakes of --fabricate, as a `ClipSet`."""
    from avsync import runtime
    from avsync.datasets._fakes import parse_kinds
    from avsync.datasets.base import open_source
    from avsync.evaluation import clip_sets

    source = open_source(str(DATASET.value), SPLIT.value, data_dir=DATA_DIR.value)
    if not FABRICATE.value:
        return clip_sets.stored(source, limit=LIMIT.value)
    options: Any = {"seed": SEED.value, "plants_silence": SILENCE.value, "limit": LIMIT.value}
    made = clip_sets.fabricated(source, kinds=parse_kinds(FABRICATE.value), **options)
    runtime.announce(f"{source.dataset}/{source.split}: {(made.fabricated or {})['summary']}")
    return made


def for_verdicts(scorer: Any) -> dict[str, Any]:
    """What a calibration by these clips holds for verdicts on files; nothing for features."""
    from avsync.datasets.base import extracted_trims, open_source
    from avsync.evaluation.lines import TRIMS
    from avsync.input_pipeline.evaluation import whole_clips
    from avsync.scoring.video import reference_clips

    name = (DATASET.value or "").partition("/")[0]
    if not name or extracted_trims(name, data_dir=DATA_DIR.value):
        return {}
    source = open_source(str(DATASET.value), SPLIT.value, data_dir=DATA_DIR.value)
    clips = whole_clips(source, trim=TRIMS["trimmed"])
    return {"verdict": reference_clips.measure(clips, scorer)}
