"""AV-Deepfake1M: 287,000 clips of VoxCeleb2, and 860,000 fakes that change words in them.

Cai, Ghosh, Adatia, Hayat, Dhall, Gedeon and Stefanov (ACM Multimedia 2024).
"""

from collections.abc import Sequence
from pathlib import Path

from avsync.datasets import _deepfake1m
from avsync.datasets.base import MediaBuilder
from avsync.types import MediaFile

EXPECTED = (
    "AV-Deepfake1M, with train_metadata.json and train/idXXXXX/..., val_metadata.json and "
    "val/idXXXXX/..."
)


class Builder(MediaBuilder):
    """AV-Deepfake1M: `train`, `train_fake`, `val`, `val_fake`, and `test` by --split_list alone.

    Its own test set has no labels, and is left out. A clip's manipulation is its `modify_type`,
    its identity that of VoxCeleb2; attributes are source_video, split, audio_model, and for reals
    `original`, their path in VoxCeleb2.
    """

    name = "av_deepfake1m"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by the metadata in `source`, or in the one folder below it."""
        return _deepfake1m.find_media(source, expected=EXPECTED)

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """AVH-Align's lists name files relative to train/ or val/, and do not say to which."""
        return _deepfake1m.listed_ids(path)
