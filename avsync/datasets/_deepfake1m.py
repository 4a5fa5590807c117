"""What AV-Deepfake1M and AV-Deepfake1M++ have in common: their metadata."""

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avsync.datasets._layout import find_root
from avsync.datasets._lists import without_suffix
from avsync.datasets._tables import known, parse_rows, parse_segments, read_json_list
from avsync.types import FAKE, REAL, MediaFile

# The test sets come without labels.
LABELLED_SPLITS = ("train", "val")

KEYS = ("file", "original", "modify_type", "audio_model", "fake_segments")

# It decides what is fake. The lists of segments do not: 6,160 items carry the other stream's.
CATEGORY_OF = {
    "real": "RV-RA",
    "audio_modified": "RV-FA",
    "visual_modified": "FV-RA",
    "both_modified": "FV-FA",
}

IDENTITY = re.compile(r"id\d{5}")


def find_media(source: Path, *, expected: str) -> list[MediaFile]:
    """The files named by `train_metadata.json` and `val_metadata.json`, sorted by id.

    Ids are `<split>/<file>` without the suffix. Nothing is written below `source`. ValueError if a
    split's folder is there without its metadata.
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
    """A list names files relative to the folder of a split, and does not say of which."""
    stem = without_suffix(path)
    return (stem, *(f"{split}/{stem}" for split in LABELLED_SPLITS))


def _media_file(root: Path, split: str, item: Mapping[str, Any]) -> MediaFile:
    # Its public loader asks for `both-modified`, which the metadata does not have.
    modified = str(item["modify_type"]).replace("-", "_")
    category = known("modify_type", modified, CATEGORY_OF)
    is_real = category == "RV-RA"
    identity, video = _who_and_where(item["file"])
    original = without_suffix(item["original"] or "")
    # A real clip's `original` is not a clip of this dataset, but where VoxCeleb2 has it, or null.
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


def _who_and_where(file: str) -> tuple[str, str]:
    """Identity and source video, of `id00012/21Uxsk56VDQ/00001/real.mp4`.

    In AV-Deepfake1M++ a folder comes before them, named after where the clip is from. Where no
    folder is called after a person, the video stands for who speaks in it.
    """
    folders = file.split("/")[:-2]
    if not folders:
        raise ValueError(f"file is {file!r}; expected such as id00012/21Uxsk56VDQ/00001/real.mp4")
    who = next((i for i, name in enumerate(folders) if IDENTITY.fullmatch(name)), None)
    video = "/".join(folders)
    return (video if who is None else folders[who]), video
