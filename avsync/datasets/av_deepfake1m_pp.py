"""AV-Deepfake1M++: 2.1 million clips of 7,000 people, real and with words changed."""

from collections.abc import Sequence
from pathlib import Path

from avsync.datasets import _deepfake1m
from avsync.datasets.base import MediaBuilder
from avsync.types import MediaFile

EXPECTED = (
    "AV-Deepfake1M++, with train_metadata.json and train/<source>/..., val_metadata.json and "
    "val/<source>/..."
)


class Builder(MediaBuilder):
    """AV-Deepfake1M++: `train`, `train_fake`, `val`, `val_fake`, and `test` by --split_list alone.

    Its own two test sets have no labels, and are left out. Fields are those of av_deepfake1m; the
    source_video begins with the corpus that the clip is from, such as `vox_celeb_2`.
    """

    name = "av_deepfake1m_pp"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by the metadata in `source`, or in the one folder below it.

        The JSON file that lies next to each clip is not read.
        """
        return _deepfake1m.find_media(source, expected=EXPECTED)

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """A list may name files relative to train/ or val/."""
        return _deepfake1m.listed_ids(path)
