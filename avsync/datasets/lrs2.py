"""LRS2: 140,000 clips of BBC television, all real.

Afouras, Chung, Senior, Vinyals and Zisserman (IEEE TPAMI 2018).
"""

from collections.abc import Iterator
from pathlib import Path

from avsync.datasets._layout import find_root, folder_contents
from avsync.datasets.base import MediaBuilder
from avsync.types import MediaFile

# The folder of the clips and the avsync split of each official list.
LISTS = {
    "pretrain": ("pretrain", "train"),
    "train": ("main", "train"),
    "val": ("main", "val"),
    "test": ("main", "test"),
}

FOLDERS = ("main", "pretrain")

EXPECTED = (
    "LRS2, with mvlrs_v1/main/<19 digits>/NNNNN.mp4 and mvlrs_v1/pretrain/..., and the lists "
    "pretrain.txt, train.txt, val.txt and test.txt beside these folders or beside mvlrs_v1"
)


class Builder(MediaBuilder):
    """LRS2: `train` (official `pretrain` and `train`), `val` and `test` of the official lists.

    All clips are real; speakers are unknown. Attributes: source_video, the broadcast, and split.
    """

    name = "lrs2"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The clips of the official lists; ids are `<folder>/<19 digits>/<number>`.

        Raises ValueError if the folder of a list exists but the list does not, or on an invalid
        line.
        """
        root = find_root(source, holds=FOLDERS, expected=EXPECTED)
        media = [
            file
            for name, (folder, _) in LISTS.items()
            if (root / folder).is_dir()
            for file in _listed(root, name)
        ]
        return sorted(media, key=lambda file: file.clip_id)


def _listed(root: Path, name: str) -> Iterator[MediaFile]:
    folder, split = LISTS[name]
    folders = (root, root.parent)
    path = next((f / f"{name}.txt" for f in folders if (f / f"{name}.txt").is_file()), None)
    if path is None:
        found = "; ".join(f"in {f}: {folder_contents(f)}" for f in folders)
        raise ValueError(f"{name}.txt not found: expected {EXPECTED}; found {found}")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        # In test.txt a tag such as NF follows the name.
        clip = line.split()[0]
        if clip.count("/") != 1:
            raise ValueError(
                f"{path}, line {number}: expected <19 digits>/<number>, found {line!r}"
            )
        video, _ = clip.split("/")
        yield MediaFile(
            clip_id=f"{folder}/{clip}",
            path=root / folder / f"{clip}.mp4",
            attributes={"source_video": video, "split": name},
            split=split,
        )
