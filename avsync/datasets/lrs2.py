"""LRS2: 140,000 clips of BBC television, all of them real.

Afouras, Chung, Senior, Vinyals and Zisserman (IEEE TPAMI 2018).
"""

from collections.abc import Iterator
from pathlib import Path

from avsync.datasets._layout import contents, find_root
from avsync.datasets.base import MediaBuilder
from avsync.types import MediaFile

# Of each list: the folder of its clips, and the split.
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
    """LRS2: `train` (its `pretrain` and `train`), `val` and `test`, by its own lists; all real.

    It does not tell who speaks; attributes are source_video, the broadcast, and split.
    """

    name = "lrs2"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The clips in its lists; ids are `<folder>/<19 digits>/<number>`.

        ValueError if a list is missing whose folder is there, or if a line names no clip.
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
    places = (root, root.parent)
    path = next((p / f"{name}.txt" for p in places if (p / f"{name}.txt").is_file()), None)
    if path is None:
        found = "; ".join(f"in {place}: {contents(place)}" for place in places)
        raise ValueError(f"no {name}.txt: expected {EXPECTED}; found {found}")
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        # In test.txt a word of its own follows, which says what is special about the clip.
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
