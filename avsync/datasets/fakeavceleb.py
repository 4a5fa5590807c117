"""FakeAVCeleb v1.2: one real clip of each of 500 people, and 21,000 face and voice fakes.

Khalid, Tariq, Kim and Woo (NeurIPS Datasets and Benchmarks 2021).
"""

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from avsync.datasets._clip_lists import without_suffix
from avsync.datasets._layout import find_root
from avsync.datasets._metadata import (
    WHOLE_CLIP,
    parse_category,
    parse_choice,
    parse_rows,
    read_csv,
)
from avsync.datasets.base import MediaBuilder
from avsync.types import FAKE, REAL, MediaFile

METADATA = "meta_data.csv"
COLUMNS = ("source", "target1", "target2", "method", "category", "type", "race", "gender")
EXPECTED = (
    f"FakeAVCeleb_v1.2, with {METADATA} and the folders RealVideo-RealAudio, RealVideo-FakeAudio, "
    "FakeVideo-RealAudio and FakeVideo-FakeAudio"
)

# The category of each folder.
TYPES = {
    "RealVideo-RealAudio": "RV-RA",
    "RealVideo-FakeAudio": "RV-FA",
    "FakeVideo-RealAudio": "FV-RA",
    "FakeVideo-FakeAudio": "FV-FA",
}

METHODS = ("real", "wav2lip", "faceswap", "fsgan", "faceswap-wav2lip", "fsgan-wav2lip", "rtvc")

# The tenth column is published without a name; pandas writes it as "Unnamed: 9".
DIRECTORY_COLUMNS = ("", "Unnamed: 9")


class Builder(MediaBuilder):
    """FakeAVCeleb: all clips are in `test`; there are no official splits.

    AVH-Align's lists divide it by speaker: --split_list=train=FILE.csv, and so on. The manipulation
    of a clip is its `method`; its identity is `source`, the person shown. Attributes: race, gender,
    and target1 and target2, the people whose face or voice was used.
    """

    name = "fakeavceleb"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by `meta_data.csv`, in `source` or in the one folder below it.

        Ids are `<type>/<race>/<gender>/<identity>/<file stem>`, because stems are not unique. Races
        are normalised to the spelling `Asian_East`.
        """
        root = find_root(source, holds=(METADATA,), expected=EXPECTED)
        path = root / METADATA
        rows = read_csv(path, columns=COLUMNS)
        media = list(parse_rows(path, rows, functools.partial(_media_file, root)))
        real_ids = {file.clip_id for file in media if file.label == REAL}
        return sorted((_with_source(f, real_ids) for f in media), key=lambda file: file.clip_id)

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """The id for `FakeAVCeleb/<type>/<race>/...`, with or without the first folder."""
        parts = ["", "", "", "", *without_suffix(path).split("/")]
        folder, race, gender, identity, stem = parts[-5:]
        return ("/".join((folder, canonical_race(race), gender, identity, stem)),)


def canonical_race(name: str) -> str:
    """The spelling `Asian_East` for `Asian (East)`, `Asian_East` and MRDF's `Asian-East)`."""
    return re.sub("[^A-Za-z]+", "_", name).strip("_")


def _media_file(root: Path, row: Mapping[str, str]) -> MediaFile:
    name, directory = _name_and_directory(row)
    folder, race, gender, identity = ["", "", "", "", *directory.strip("/").split("/")][-4:]
    category = parse_category(row["category"])
    if parse_choice("type", folder, TYPES) != category or row["type"] != folder:
        raise ValueError(
            f"category {row['category']}, type {row['type']} and folder {folder} disagree"
        )
    if row["method"] not in METHODS or (row["method"] == "real") != (category == "RV-RA"):
        raise ValueError(
            f"method {row['method']!r} in category {category}; known methods: {METHODS}"
        )
    race = canonical_race(race)
    is_real = category == "RV-RA"
    targets = {key: row[key] for key in ("target1", "target2") if row[key] not in ("", "-")}
    return MediaFile(
        clip_id="/".join((folder, race, gender, identity, without_suffix(name))),
        path=_race_folder(root / folder, race) / gender / identity / name,
        identity=row["source"],
        label=REAL if is_real else FAKE,
        category=category,
        manipulation=row["method"],
        fake_segments=() if is_real else WHOLE_CLIP,
        attributes={"race": canonical_race(row["race"]), "gender": row["gender"], **targets},
        split="test",
    )


def _name_and_directory(row: Mapping[str, str]) -> tuple[str, str]:
    """File name and directory of a row.

    The published file has them in `path` and in a column without a name; some copies in circulation
    have them in `filename` and `path`.
    """
    if "filename" in row:
        name, directory = row["filename"], row["path"]
    else:
        unnamed = [column for column in DIRECTORY_COLUMNS if column in row]
        if "path" not in row or not unnamed:
            raise ValueError(
                f"expected columns `path` and one without a name, or `filename` and `path`, after "
                f"`gender`; found {', '.join(map(repr, row))}"
            )
        name, directory = row["path"], row[unnamed[0]]
    if "/" in name or not name.endswith(".mp4") or directory.count("/") < 3:
        raise ValueError(
            f"invalid file name {name!r} in directory {directory!r}; expected for example "
            "'00109.mp4' in 'FakeAVCeleb/RealVideo-RealAudio/African/men/id00076'"
        )
    return name, directory


@functools.lru_cache
def _race_folder(folder: Path, race: str) -> Path:
    """The folder of a race in any spelling."""
    folders = {canonical_race(path.name): path for path in folder.glob("*/")}
    return folders.get(race, folder / race)


def _with_source(file: MediaFile, real_ids: set[str]) -> MediaFile:
    """Adds the source clip of a fake, whose file name starts with that of the real clip."""
    if file.label == REAL:
        return file
    _, *person, stem = file.clip_id.split("/")
    source = "/".join(("RealVideo-RealAudio", *person, stem.split("_")[0]))
    return file._replace(source_clip=source if source in real_ids else "")
