"""FakeAVCeleb v1.2: a real clip of each of 500 people, and 21,000 fakes of faces and voices.

Khalid, Tariq, Kim and Woo (NeurIPS Datasets and Benchmarks 2021).
"""

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from avsync.datasets._layout import find_root
from avsync.datasets._lists import without_suffix
from avsync.datasets._tables import (
    WHOLE_CLIP,
    known,
    parse_category,
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

# The folder of each category.
TYPES = {
    "RealVideo-RealAudio": "RV-RA",
    "RealVideo-FakeAudio": "RV-FA",
    "FakeVideo-RealAudio": "FV-RA",
    "FakeVideo-FakeAudio": "FV-FA",
}

METHODS = ("real", "wav2lip", "faceswap", "fsgan", "faceswap-wav2lip", "fsgan-wav2lip", "rtvc")

# As published, the name of the tenth column is empty; pandas calls it so, and writes it so.
DIRECTORY_COLUMNS = ("", "Unnamed: 9")


class Builder(MediaBuilder):
    """FakeAVCeleb, all of it in `test`: it has no splits of its own.

    AVH-Align's lists divide it by who speaks: --split_list=train=FILE.csv, and so on. A clip's
    manipulation is its `method`; identity is `source`, who is seen; attributes are race, gender,
    and target1 and target2, whose faces and voices were put on.
    """

    name = "fakeavceleb"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The files named by `meta_data.csv`, in `source` or in the one folder below it.

        Ids are `<type>/<race>/<gender>/<identity>/<file stem>`: stems alone are not unique. Races
        are written `Asian_East`, whichever way the copy spells them.
        """
        root = find_root(source, holds=(METADATA,), expected=EXPECTED)
        path = root / METADATA
        rows = read_csv(path, columns=COLUMNS)
        media = list(parse_rows(path, rows, functools.partial(_media_file, root)))
        real_ids = {file.clip_id for file in media if file.label == REAL}
        return sorted((_with_source(f, real_ids) for f in media), key=lambda file: file.clip_id)

    @staticmethod
    def listed_ids(path: str) -> Sequence[str]:
        """Of `FakeAVCeleb/<type>/<race>/...`, with or without the first folder."""
        *_, folder, race, gender, identity, stem = [
            "",
            "",
            "",
            "",
            *without_suffix(path).split("/"),
        ]
        return ("/".join((folder, canonical_race(race), gender, identity, stem)),)


def canonical_race(name: str) -> str:
    """ "Asian_East" of `Asian (East)`, `Asian_East` and MRDF's `Asian-East)`."""
    return re.sub("[^A-Za-z]+", "_", name).strip("_")


def _media_file(root: Path, row: Mapping[str, str]) -> MediaFile:
    name, directory = _name_and_directory(row)
    folder, race, gender, identity = ["", "", "", "", *directory.strip("/").split("/")][-4:]
    category = parse_category(row["category"])
    if known("type", folder, TYPES) != category or row["type"] != folder:
        raise ValueError(
            f"category {row['category']}, type {row['type']} and folder {folder} disagree"
        )
    if row["method"] not in METHODS or (row["method"] == "real") != (category == "RV-RA"):
        raise ValueError(f"method {row['method']!r} in category {category}; known: {METHODS}")
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
    """`path` is the name of the file, and the directory has no name; in some circulated copies the
    name is in `filename` and the directory in `path`."""
    if "filename" in row:
        name, directory = row["filename"], row["path"]
    else:
        unnamed = [column for column in DIRECTORY_COLUMNS if column in row]
        if "path" not in row or not unnamed:
            raise ValueError(
                f"the columns are {', '.join(map(repr, row))}; expected, behind `gender`, `path` "
                "and one without a name, or `filename` and `path`"
            )
        name, directory = row["path"], row[unnamed[0]]
    if "/" in name or not name.endswith(".mp4") or directory.count("/") < 3:
        raise ValueError(
            f"file name {name!r} in directory {directory!r}; expected such as '00109.mp4' in "
            "'FakeAVCeleb/RealVideo-RealAudio/African/men/id00076'"
        )
    return name, directory


@functools.lru_cache
def _race_folder(folder: Path, race: str) -> Path:
    """The folder of a race, however it is spelled on disk."""
    spelled = {canonical_race(path.name): path for path in folder.glob("*/")}
    return spelled.get(race, folder / race)


def _with_source(file: MediaFile, real_ids: set[str]) -> MediaFile:
    """A fake's name begins with the number of the real clip of the same person."""
    if file.label == REAL:
        return file
    _, *person, stem = file.clip_id.split("/")
    source = "/".join(("RealVideo-RealAudio", *person, stem.split("_")[0]))
    return file._replace(source_clip=source if source in real_ids else "")
