"""AV-Deepfake1M: 287,000 clips of VoxCeleb2, and 860,000 fakes with some words replaced.

Cai, Ghosh, Adatia, Hayat, Dhall, Gedeon and Stefanov (ACM Multimedia 2024).
"""

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avsync.datasets._clip_lists import without_suffix
from avsync.datasets._layout import find_root
from avsync.datasets._metadata import parse_choice, parse_rows, parse_segments, read_json_list
from avsync.datasets.base import MediaBuilder
from avsync.types import FAKE, REAL, MediaFile

EXPECTED = (
    "AV-Deepfake1M, with train_metadata.json and train/idXXXXX/..., val_metadata.json and "
    "val/idXXXXX/..."
)

# The test sets are published without labels.
LABELLED_SPLITS = ("train", "val")

KEYS = ("file", "original", "modify_type", "audio_model", "fake_segments")

# The category by `modify_type`. The segments do not show it: 6,160 items list those of the stream
# that was not modified.
CATEGORY_OF = {
    "real": "RV-RA",
    "audio_modified": "RV-FA",
    "visual_modified": "FV-RA",
    "both_modified": "FV-FA",
}

IDENTITY = re.compile(r"id\d{5}")


class Builder(MediaBuilder):
    """AV-Deepfake1M: `train`, `train_fake`, `val`, `val_fake`; `test` only with --split_list.

    The official test set has no labels and is not used. The manipulation of a clip is its
    `modify_type`, its identity that of VoxCeleb2. Attributes: source_video, split, audio_model, and
    for real clips `original`, their path in VoxCeleb2.
    """

    name = "av_deepfake1m"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by the metadata in `source`, or in the one folder below it."""
        return find_media(source, expected=EXPECTED)

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """Candidate ids of a listed path; see `listed_ids` of this module."""
        return listed_ids(path)


def find_media(source: Path, *, expected: str) -> list[MediaFile]:
    """The files named by `train_metadata.json` and `val_metadata.json`, sorted by id.

    Ids are `<split>/<file>` without the suffix. Raises ValueError if a split has a folder but no
    metadata. AV-Deepfake1M++ has the same metadata.
    """
    holds = [f"{split}_metadata.json" for split in LABELLED_SPLITS]
    root = find_root(source, holds=holds, expected=expected)
    media: list[MediaFile] = []
    for split, name in zip(LABELLED_SPLITS, holds, strict=True):
        path = root / name
        if not path.is_file() and not (root / split).is_dir():
            continue  # only the other split was downloaded
        items = read_json_list(path, keys=KEYS)
        media += parse_rows(path, items, functools.partial(_media_file, root, split), first=0)
    return sorted(media, key=lambda file: file.clip_id)


def listed_ids(path: str) -> Sequence[str]:
    """Candidate ids: lists give paths relative to train/ or val/ without naming which."""
    stem = without_suffix(path)
    return (stem, *(f"{split}/{stem}" for split in LABELLED_SPLITS))


def _media_file(root: Path, split: str, item: Mapping[str, Any]) -> MediaFile:
    # The authors' loader expects `both-modified`; the metadata has `both_modified`.
    modified = str(item["modify_type"]).replace("-", "_")
    category = parse_choice("modify_type", modified, CATEGORY_OF)
    is_real = category == "RV-RA"
    identity, video = _identity_and_video(item["file"])
    original = without_suffix(item["original"] or "")
    # For a real clip, `original` is its path in VoxCeleb2 or null, not a clip of this dataset.
    origin = {"original": item["original"]} if is_real and original else {}
    model = {"audio_model": str(item["audio_model"])} if item["audio_model"] else {}
    return MediaFile(
        clip_id=f"{split}/{without_suffix(item['file'])}",
        path=root / split / item["file"],
        identity=identity,
        label=REAL if is_real else FAKE,
        category=category,
        manipulation=modified,
        source_clip=f"{split}/{original}" if original and not is_real else "",
        fake_segments=() if is_real else parse_segments(item["fake_segments"]),
        attributes={"source_video": video, "split": split, **model, **origin},
        split=split,
    )


def _identity_and_video(file: str) -> tuple[str, str]:
    """Identity and source video of a path such as `id00012/21Uxsk56VDQ/00001/real.mp4`.

    In AV-Deepfake1M++ the name of the source corpus comes first. If no folder is named after a
    person, the video is taken as the identity.
    """
    folders = file.split("/")[:-2]
    if not folders:
        raise ValueError(
            f"expected a file such as id00012/21Uxsk56VDQ/00001/real.mp4, got {file!r}"
        )
    index = next((i for i, name in enumerate(folders) if IDENTITY.fullmatch(name)), None)
    video = "/".join(folders)
    return (video if index is None else folders[index]), video
