"""VoxCeleb2: 1.1 million clips of 6,112 celebrities in interviews, all real.

Chung, Nagrani and Zisserman (Interspeech 2018).
"""

from pathlib import Path

from avsync.datasets._layout import find_root, folder_contents
from avsync.datasets.base import MediaBuilder
from avsync.media.folders import list_media
from avsync.types import MediaFile

SPLIT_OF = {"dev": "train", "test": "test"}

EXPECTED = "VoxCeleb2, with dev/mp4/idXXXXX/<video>/NNNNN.mp4 and test/mp4/idXXXXX/<video>/..."


class Builder(MediaBuilder):
    """VoxCeleb2: `train` (official `dev`), `val` (one in fifty speakers of it), and `test`.

    All clips are real. Attributes: source_video and split.
    """

    name = "voxceleb2"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos, which contain their audio; `dev/aac` is not read.

        Ids are `dev/mp4/<identity>/<video>/<number>`, as in AV-HuBERT's lists.
        """
        root = find_root(source, holds=tuple(SPLIT_OF), expected=EXPECTED)
        media = [
            _media_file(root, split, path)
            for split in SPLIT_OF
            for path in list_media(root / split / "mp4", suffixes=(".mp4",)).files
        ]
        if not media:
            found = ", ".join(f"{split}: {folder_contents(root / split)}" for split in SPLIT_OF)
            raise ValueError(f"no videos in {root}: expected {EXPECTED}; found in {found}")
        return sorted(media, key=lambda file: file.clip_id)


def _media_file(root: Path, split: str, path: Path) -> MediaFile:
    clip_id = path.relative_to(root).as_posix().removesuffix(path.suffix)
    if clip_id.count("/") != 4:
        raise ValueError(f"{path}: expected {EXPECTED}")
    _, _, identity, video, _ = clip_id.split("/")
    return MediaFile(
        clip_id=clip_id,
        path=path,
        identity=identity,
        attributes={"source_video": f"{identity}/{video}", "split": split},
        split=SPLIT_OF[split],
    )
