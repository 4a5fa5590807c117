"""Lombard Grid: 54 talkers who say 100 GRID sentences each, half of them in noise, all real.

Alghamdi, Maddock, Marxer, Barker and Brown (JASA 2018), https://zenodo.org/records/3736465.

The layout is that of the distributed archives: `lombardgrid_front.zip` holds
`lombardgrid/front/s2_l_bbim3a.mov` and `lombardgrid_audio.zip` holds
`lombardgrid/audio/s2_l_bbim3a.wav`, for talkers s2 to s55, with l for Lombard and p for plain. The
sound was recorded by its own microphone; both files of a clip were cut at the same times, so that
each begins at time 0. How closely the two agree is not documented: estimate the offset of the
corpus before training on it.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from avsync.datasets._layout import folder_contents
from avsync.datasets._splits import split_of_talker
from avsync.datasets.base import MediaBuilder
from avsync.media.folders import list_media
from avsync.types import MediaFile

VIDEOS, SOUNDS = "front", "audio"

EXPECTED = (
    f"Lombard Grid, with {VIDEOS}/s2_l_bbim3a.mov, ... and {SOUNDS}/s2_l_bbim3a.wav, ..., together "
    "or below folders of their own"
)

# Talker, condition and sentence. Where the talker said another sentence than that of the name,
# "_WRONG_" and what was said follow.
CLIP_NAME = re.compile(r"s(\d+)_([^_]+)_([^_]+)(?:_WRONG_(.+))?")

# What was said in clips without speech.
SILENCE = "#sil"

CONDITIONS = {"l": "lombard", "p": "plain"}


class Builder(MediaBuilder):
    """Lombard Grid, seen from the front: `train`, `val` and `test` by talker.

    Talkers whose number ends in 0 are in `test` (5), in 5 in `val` (6), the other 43 in `train`; no
    talker is in two of them. All clips are real. The sound is that of `audio`; a clip that is not
    there has the sound of its video, if that has any. Attributes: condition (`lombard` or `plain`)
    and sentence, as it was said.
    """

    name = "lombard_grid"
    LICENCE = "Creative Commons Attribution (CC BY) 4.0"

    @staticmethod
    def find_media(source: Path) -> list[MediaFile]:
        """The videos of folders named `front`, at any depth; ids are stems.

        Clips without speech, by their name, are left out. Raises ValueError if there are no videos,
        if a video is not named like s2_l_bbim3a.mov, or if two videos have the same name.
        """
        if not source.is_dir():
            raise ValueError(f"directory not found: {source}; expected {EXPECTED}")
        paths = _inside(source, VIDEOS, ".mov")
        if not paths:
            found = folder_contents(source)
            raise ValueError(f"no videos in {source}: expected {EXPECTED}; found {found}")
        sounds = {path.stem: path for path in _inside(source, SOUNDS, ".wav")}
        media = [file for path in paths if (file := _media_file(path, sounds))]
        return sorted(media, key=lambda file: file.clip_id)


def _inside(source: Path, folder: str, suffix: str) -> list[Path]:
    files = list_media(source, suffixes=(suffix,)).files
    return [path for path in files if path.parent.name == folder]


def _media_file(path: Path, sounds: Mapping[str, Path]) -> MediaFile | None:
    match = CLIP_NAME.fullmatch(path.stem)
    if not match:
        raise ValueError(f"{path}: expected a name such as s2_l_bbim3a.mov; {EXPECTED}")
    talker, condition, intended, said = match.groups()
    if said == SILENCE:
        return None
    return MediaFile(
        clip_id=path.stem,
        path=path,
        identity=f"s{talker}",
        attributes={
            "condition": CONDITIONS.get(condition, condition),
            "sentence": said or intended,
        },
        split=split_of_talker(int(talker)),
        sound=sounds.get(path.stem),
    )
