"""CREMA-D: 91 actors who say twelve sentences in six emotions, 7,442 clips, all real.

Cao, Cooper, Keutmann, Gur, Nenkova and Verma (IEEE Transactions on Affective Computing 2014).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from avsync.datasets._layout import find_root, folder_contents
from avsync.datasets._metadata import parse_rows, read_csv
from avsync.datasets._splits import split_of_talker
from avsync.datasets.base import MediaBuilder
from avsync.media.folders import list_media
from avsync.types import MediaFile

VIDEOS = "VideoFlash"
DEMOGRAPHICS = "VideoDemographics.csv"
COLUMNS = ("ActorID", "Age", "Sex", "Race", "Ethnicity")

EXPECTED = f"CREMA-D, with {VIDEOS}/1001_DFA_ANG_XX.flv, ... and {DEMOGRAPHICS} beside that folder"

# Actor, sentence, emotion and its level: LO, MD, HI, or XX for unspecified (a single X in one).
CLIP_NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{1,2})")

# What `git clone` writes instead of a video where Git LFS is not installed.
LFS_POINTER = b"version https://git-lfs"


class Builder(MediaBuilder):
    """CREMA-D: `train`, `val` and `test` by actor; no actor is in two of them.

    Actors whose number ends in 0 are in `test` (9), in 5 in `val` (9), the other 73 in `train`. All
    clips are real. Attributes: sentence, emotion and level; age, sex, race and ethnicity of the
    actor if `VideoDemographics.csv` is there. The identity is the number of the actor.
    """

    name = "crema_d"
    LICENCE = "Open Database License (ODbL) 1.0"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos of `VideoFlash`, in `source` or in the one folder below it; ids are stems.

        Raises ValueError for a video with another name, or one that Git LFS has not fetched.
        """
        root = find_root(source, holds=(VIDEOS,), expected=EXPECTED)
        paths = list_media(root / VIDEOS, suffixes=(".flv",)).files
        if not paths:
            found = folder_contents(root / VIDEOS)
            raise ValueError(f"no videos in {root / VIDEOS}: expected {EXPECTED}; found {found}")
        _require_content(paths[0])
        people = _read_demographics(root / DEMOGRAPHICS)
        media = [_media_file(path, people) for path in paths]
        return sorted(media, key=lambda file: file.clip_id)


def _media_file(path: Path, people: Mapping[str, Mapping[str, str]]) -> MediaFile:
    match = CLIP_NAME.fullmatch(path.stem)
    if not match:
        raise ValueError(f"{path}: expected a name such as 1001_DFA_ANG_XX.flv; {EXPECTED}")
    actor, sentence, emotion, level = match.groups()
    said = {"sentence": sentence, "emotion": emotion, "level": level}
    return MediaFile(
        clip_id=path.stem,
        path=path,
        identity=actor,
        attributes={**said, **people.get(actor, {})},
        split=split_of_talker(int(actor)),
    )


def _read_demographics(path: Path) -> dict[str, dict[str, str]]:
    """The attributes of each actor, by number; empty if the file is missing."""
    if not path.is_file():
        return {}
    return dict(parse_rows(path, read_csv(path, columns=COLUMNS), _person))


def _person(row: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    actor, *facts = COLUMNS
    return row[actor], {name.lower(): row[name] for name in facts}


def _require_content(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            raise ValueError(
                f"{path} is not a video but a pointer to one: run `git lfs install` and `git lfs "
                f"pull --include={VIDEOS}` in the clone of CREMA-D"
            )
