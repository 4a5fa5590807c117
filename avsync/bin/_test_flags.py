"""The flags that name the clips of avsync-evaluate: datasets, fakes of them, feature files."""

import textwrap

from absl import flags

from avsync.bin.base import UsageError
from avsync.config import files

DATASET = flags.DEFINE_list("dataset", None, "Datasets in --data_dir: NAME or NAME/CONFIG, ...")
SPLIT = flags.DEFINE_string("split", "test", "Split to score.")
DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder or address of prepared datasets.")
FEATURES = flags.DEFINE_string("features_npz", None, "Features (CLIP.npz), instead of --dataset.")
LIST = flags.DEFINE_string("list", None, "FILE.csv with path,label: the clips of --features_npz.")
TRIM = flags.DEFINE_enum("trim", "none", ["none", "leading"], "Trimming of --features_npz.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Clips per batch.", lower_bound=1)
REALIGN = flags.DEFINE_enum(
    "realign",
    "corpus",
    ["corpus", "none"],
    "What is moved before scoring: all sound of a dataset, by the A/V offset that its real clips "
    "share, if that is sure; or nothing.",
)
FABRICATE = flags.DEFINE_list(
    "fabricate",
    None,
    "Fakes to make of the split, whose clips must all be real: all, or some of swap, shift, "
    "splice, freeze, reverse and both, or single kinds such as splice_0.8s. Sound is borrowed from "
    "the same talker where identities are known.",
)
SEED = flags.DEFINE_integer("seed", 0, "Seed of --fabricate and --distort.", lower_bound=0)
SILENCE = flags.DEFINE_bool("fabricate_silence", False, "Plant leading silence in the fakes.")
LIMIT = flags.DEFINE_integer("limit", None, "First clips used by --fabricate, --distort.", 1)
DISTORT = flags.DEFINE_string(
    "distort",
    None,
    "Instead of one evaluation, one under each of these distortions: NAME[:ARG] or any file, "
    f"PATH.py[:ARG]. Known grids:\n{textwrap.indent(files.summary(files.DISTORT), '  ')}",
)


def require_clips() -> list[str]:
    """The datasets, or the folder of feature files; UsageError unless the flags name either."""
    datasets = [name for name in DATASET.value or [] if name]
    if bool(datasets) == bool(FEATURES.value) or bool(FEATURES.value) != bool(LIST.value):
        raise UsageError("give either --dataset, or both --features_npz and --list")
    if (FABRICATE.value or DISTORT.value) and not datasets:
        raise UsageError("--fabricate and --distort need --dataset: features cannot be changed")
    if LIMIT.value and not (FABRICATE.value or DISTORT.value):
        raise UsageError("--limit needs --fabricate or --distort")
    if len(set(datasets)) < len(datasets):
        raise UsageError(f"--dataset={','.join(datasets)} names a dataset twice")
    return datasets or [str(FEATURES.value)]
