"""Prepared clips on disk, one file each: written whole or not at all, read one at a time.

A file holds what was made of a raw video and measured of it. What the dataset says of the video,
its label first of all, is not in there: it is taken from the dataset when the clip is read.
"""

import json
import os
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avsync.preparation.clips import labelled
from avsync.types import Clip, MediaFile
from avsync.units import SAMPLES_PER_FRAME

SUFFIX = ".npz"


class Measured(NamedTuple):
    """A clip without its pixels and samples."""

    num_frames: int
    media: dict[str, Any]


class ClipStore(Mapping[str, Clip]):
    """The clips of those of `files`, in their order, that lie in `directory` when it is opened."""

    def __init__(self, directory: Path, files: Mapping[str, MediaFile]):
        self.directory = directory
        stored = stored_ids(directory)
        self._files = {clip_id: file for clip_id, file in files.items() if clip_id in stored}

    def __getitem__(self, clip_id: str) -> Clip:
        """ValueError if the clip was made of another file than is now behind its id."""
        file = self._files[clip_id]
        path = _path(self.directory, clip_id)
        with np.load(path, allow_pickle=False) as archive:
            record = json.loads(str(archive["record"]))
            # The name and not the path: a dataset may be moved as a whole.
            if record["file_name"] != file.path.name:
                raise ValueError(
                    f"clip {clip_id} was made of {record['file_name']}, and is {file.path} now: "
                    f"remove {path} to have it made anew"
                )
            return labelled(
                archive["frames"], archive["waveform"], file=file, measured=record["media"]
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._files  # that of Mapping would read the clip

    def measured(self, clip_id: str) -> Measured:
        """The length of the clip and what its raw file was like; its pixels are not read."""
        with np.load(_path(self.directory, clip_id), allow_pickle=False) as archive:
            record = json.loads(str(archive["record"]))
            return Measured(len(archive["waveform"]) // SAMPLES_PER_FRAME, record["media"])


def stored_ids(directory: Path) -> set[str]:
    """The ids of all clips in there; one listing, where to ask for each would take minutes."""
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(SUFFIX)]
    return {urllib.parse.unquote(name.removesuffix(SUFFIX)) for name in names}


def is_stored(clip_id: str, directory: Path) -> bool:
    """Whether the clip lies in there at this moment."""
    return _path(directory, clip_id).is_file()


def save(clip: Clip, directory: Path, *, file_name: str) -> None:
    """Stores the clip, made of a file of that name; killed half-way, it leaves none that counts."""
    path = _path(directory, clip.clip_id)
    # Its own name for each writer: a worker that outlived its job may still be writing.
    unfinished = path.with_suffix(f".{uuid.uuid4().hex}.part")
    record = {"file_name": file_name, "media": dict(clip.media)}
    with unfinished.open("wb") as file:
        # Not compressed: that would take a third as long as preparing the clip, for a third less.
        np.savez(
            file,
            frames=clip.frames,
            waveform=clip.waveform,
            record=np.array(json.dumps(record)),
        )
    unfinished.replace(path)


def _path(directory: Path, clip_id: str) -> Path:
    return directory / f"{urllib.parse.quote(clip_id, safe='')}{SUFFIX}"
