"""LAV-DF: 36,431 real clips of VoxCeleb2, and 99,873 fakes with a few words replaced.

Cai, Stefanov, Dhall and Hayat (DICTA 2022).
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avsync.datasets._clip_lists import without_suffix
from avsync.datasets._layout import find_root
from avsync.datasets._metadata import (
    CATEGORY_OF,
    parse_choice,
    parse_rows,
    parse_segments,
    read_json_list,
)
from avsync.datasets.base import MediaBuilder
from avsync.types import FAKE, REAL, MediaFile

# Both list the same clips; the second adds word timestamps, which are not used.
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
    """LAV-DF: `train`, `train_fake`, `val` and `val_fake` (official `dev`), and `test`.

    Speakers are unknown. The manipulation names the modified streams. Attribute: split.
    """

    name = "lav_df"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by the metadata in `source`, or in the one folder below it.

        Ids are the paths without suffix, such as `test/000001`. Raises ValueError if `n_fakes` of
        an item contradicts its modified streams.
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
            f"{item['file']}: n_fakes {item['n_fakes']} contradicts modify_video "
            f"{item['modify_video']} and modify_audio {item['modify_audio']}"
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
        split=parse_choice("split", item["split"], SPLIT_OF),
    )
