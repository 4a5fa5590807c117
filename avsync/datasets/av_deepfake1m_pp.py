"""AV-Deepfake1M++: 2.1 million clips of 7,000 people, real and with some words replaced."""

from collections.abc import Sequence
from pathlib import Path

from avsync.datasets import av_deepfake1m
from avsync.datasets.base import MediaBuilder
from avsync.types import MediaFile

EXPECTED = (
    "AV-Deepfake1M++, with train_metadata.json and train/<source>/..., val_metadata.json and "
    "val/<source>/..."
)


class Builder(MediaBuilder):
    """AV-Deepfake1M++: `train`, `train_fake`, `val`, `val_fake`; `test` only with --split_list.

    The two official test sets have no labels and are not used. Fields are those of av_deepfake1m;
    source_video starts with the source corpus of the clip, such as `vox_celeb_2`.
    """

    name = "av_deepfake1m_pp"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by the metadata in `source`, or in the one folder below it.

        The JSON files beside the clips are not read.
        """
        return av_deepfake1m.find_media(source, expected=EXPECTED)

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """Candidate ids of a listed path, as for av_deepfake1m."""
        return av_deepfake1m.listed_ids(path)
