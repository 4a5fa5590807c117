"""LRS3: 150,000 clips of TED and TEDx talks, all real.

Afouras, Chung and Zisserman (arXiv 1809.00496).
"""

from pathlib import Path

from avsync.datasets._layout import find_root, folder_contents
from avsync.datasets.base import MediaBuilder
from avsync.media.folders import list_media
from avsync.types import MediaFile

SPLIT_OF = {"pretrain": "train", "trainval": "train", "test": "test"}

EXPECTED = "LRS3, with pretrain, trainval and test/<video>/NNNNN.mp4"


class Builder(MediaBuilder):
    """LRS3: `train` (official `pretrain` and `trainval`), `val` (one in fifty talks), and `test`.

    All clips are real; speakers are unknown. Attributes: source_video, the talk, and split.
    """

    name = "lrs3"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos; ids are `<split>/<video>/<number>`, since a talk may be in several splits."""
        root = find_root(source, holds=tuple(SPLIT_OF), expected=EXPECTED)
        media = [
            _media_file(root, split, path)
            for split in SPLIT_OF
            for path in list_media(root / split, suffixes=(".mp4",)).files
        ]
        if not media:
            found = ", ".join(f"{split}: {folder_contents(root / split)}" for split in SPLIT_OF)
            raise ValueError(f"no videos in {root}: expected {EXPECTED}; found in {found}")
        return sorted(media, key=lambda file: file.clip_id)


def _media_file(root: Path, split: str, path: Path) -> MediaFile:
    clip_id = path.relative_to(root).as_posix().removesuffix(path.suffix)
    if clip_id.count("/") != 2:
        raise ValueError(f"{path}: expected {EXPECTED}")
    return MediaFile(
        clip_id=clip_id,
        path=path,
        attributes={"source_video": path.parent.name, "split": split},
        split=SPLIT_OF[split],
    )
