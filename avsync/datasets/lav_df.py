"""LAV-DF: 36,431 real clips of VoxCeleb2, and 99,873 fakes with a few of their words replaced.

Cai, Stefanov, Dhall and Hayat (DICTA 2022).
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avsync.datasets._layout import find_root
from avsync.datasets._lists import without_suffix
from avsync.datasets._tables import (
    CATEGORY_OF,
    known,
    parse_rows,
    parse_segments,
    read_json_list,
)
from avsync.datasets.base import MediaBuilder
from avsync.types import FAKE, REAL, MediaFile

# The same clips; the second has word timestamps beside, which nobody needs here.
METADATA = ("metadata.min.json", "metadata.json")

KEYS = ("file", "n_fakes", "fake_periods", "original", "modify_video", "modify_audio", "split")

EXPECTED = f"LAV-DF, with {' or '.join(METADATA)} and the folders train, dev and test"

SPLIT_OF = {"train": "train", "dev": "val", "test": "test"}

MANIPULATION_OF = {
    "RV-RA": "real",
    "RV-FA": "audio_modified",
    "FV-RA": "visual_modified",
    "FV-FA": "both_modified",
}


class Builder(MediaBuilder):
    """LAV-DF: `train`, `train_fake`, `val` and `val_fake` (its `dev`), and `test`.

    It does not tell who speaks. The manipulation says which streams were modified.
    """

    name = "lav_df"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by the metadata in `source`, or in the one folder below it.

        Ids are their paths without the suffix, such as `test/000001`. ValueError if an item counts
        fakes and modifies nothing, or the other way about.
        """
        root = find_root(source, holds=METADATA, expected=EXPECTED)
        path = next(root / name for name in METADATA if (root / name).is_file())
        items = read_json_list(path, keys=KEYS)
        media = parse_rows(path, items, functools.partial(_media_file, root), first=0)
        return sorted(media, key=lambda file: file.clip_id)


def _media_file(root: Path, item: Mapping[str, Any]) -> MediaFile:
    category = CATEGORY_OF[bool(item["modify_video"]), bool(item["modify_audio"])]
    is_fake = category != "RV-RA"
    if (item["n_fakes"] > 0) != is_fake:
        raise ValueError(
            f"{item['file']} has n_fakes {item['n_fakes']}, modify_video {item['modify_video']} "
            f"and modify_audio {item['modify_audio']}: is it fake or not?"
        )
    return MediaFile(
        clip_id=without_suffix(item["file"]),
        path=root / item["file"],
        label=FAKE if is_fake else REAL,
        category=category,
        manipulation=MANIPULATION_OF[category],
        source_clip=without_suffix(item["original"] or "") if is_fake else "",
        fake_segments=parse_segments(item["fake_periods"]) if is_fake else (),
        attributes={"split": item["split"]},
        split=known("split", item["split"], SPLIT_OF),
    )
