"""Prepared clips on disk, one file each, written atomically and read one at a time.

A file holds what was made of and measured in a raw video. Labels are not stored: they are taken
from the dataset when the clip is read. Its name is `names.stored` of the clip's id, which it holds.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync import names
from avsync.files import replacing
from avsync.preparation.clips import labelled
from avsync.types import Clip, MediaFile
from avsync.units import SAMPLES_PER_FRAME

SUFFIX = ".npz"


class Measured(NamedTuple):
    """The length and the facts of a stored clip."""

    num_frames: int
    media: dict[str, Any]


class ClipStore(Mapping[str, Clip]):
    """The clips stored in `directory` when it is opened, in the order of their `files`."""

    def __init__(self, directory: Path, files: Mapping[str, MediaFile]):
        self.directory = directory
        stored = stored_ids(files, directory)
        self._files = {clip_id: file for clip_id, file in files.items() if clip_id in stored}

    def only(self, clip_ids: Iterable[str]) -> "ClipStore":
        """Those of its clips; the disk is not asked again."""
        part = ClipStore.__new__(ClipStore)
        part.directory = self.directory
        part._files = {clip_id: self._files[clip_id] for clip_id in clip_ids}
        return part

    def identity(self, clip_id: str) -> str:
        """Returns the identity of a clip without reading it."""
        return self._files[clip_id].identity

    def __getitem__(self, clip_id: str) -> Clip:
        """Raises ValueError if the file holds another clip, or one made from another file."""
        file = self._files[clip_id]
        path = _path(self.directory, clip_id)
        with np.load(path, allow_pickle=False) as archive:
            record = json.loads(str(archive["record"]))
            if record.get("clip_id", clip_id) != clip_id:
                raise ValueError(
                    f"{path} holds the clip {record['clip_id']}, not {clip_id}: the disk takes "
                    "upper and lower case for the same; prepare into a folder on another disk"
                )
            # The name, not the path: a dataset may be moved as a whole.
            if record["file_name"] != names.portable(file.path.name):
                raise ValueError(
                    f"clip {clip_id} was made from {record['file_name']}, but its file is now "
                    f"{file.path}; remove {path} to prepare it again"
                )
            return labelled(
                archive["frames"], archive["waveform"], file=file, measured=record["media"]
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._files  # Mapping.__contains__ would read the clip

    def measured(self, clip_id: str) -> Measured:
        """Returns the length and the facts of a clip without reading its pixels."""
        with np.load(_path(self.directory, clip_id), allow_pickle=False) as archive:
            record = json.loads(str(archive["record"]))
            return Measured(len(archive["waveform"]) // SAMPLES_PER_FRAME, record["media"])


def stored_ids(clip_ids: Iterable[str], directory: Path) -> set[str]:
    """Returns which of the ids are stored, from one listing; asking for each would take minutes."""
    with os.scandir(directory) as entries:
        stored = {entry.name for entry in entries}
    # Compared as names: the id cannot be read off the name of a long one, which ends in a hash.
    return {clip_id for clip_id in clip_ids if _name(clip_id) in stored}


def is_stored(clip_id: str, directory: Path) -> bool:
    """Return whether the clip is stored in `directory` now."""
    return _path(directory, clip_id).is_file()


def save(clip: Clip, directory: Path, *, file_name: str) -> None:
    """Stores a clip atomically; `file_name` is the name of the file it was made from."""
    path = _path(directory, clip.clip_id)
    record = {
        "clip_id": clip.clip_id,
        "file_name": names.portable(file_name),
        "media": dict(clip.media),
    }
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        # Not compressed: that saves a third of the size, and costs a third of preparing the clip.
        np.savez(
            file,
            frames=clip.frames,
            waveform=clip.waveform,
            record=np.array(json.dumps(record)),
        )


def _path(directory: Path, clip_id: str) -> Path:
    return directory / _name(clip_id)


def _name(clip_id: str) -> str:
    return f"{names.stored(clip_id)}{SUFFIX}"
