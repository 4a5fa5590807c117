"""Reads files for scoring in this process; `process_reader` does it in one of its own, with limits.

Both readers give the same frames, crops and samples. What a file from a stranger can do to the
process that decodes it (a crash, a hang, any amount of memory) the second one survives.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from avsync.files import Content, sha256, stamp
from avsync.media.crop_store import CropStore, open_store
from avsync.media.face_crop import FacePath, colour_frames, crop_face
from avsync.media.footage import Footage, read_footage
from avsync.media.landmarks.base import FaceDetector
from avsync.media.read_options import ANY_FILE, ReadOptions
from avsync.media.speech import speech_frames

# (frames done, frames of the file)
Advance = Callable[[int, int], None]


class FaceSpan(NamedTuple):
    """Frames of the video that show a face, and where its crops are."""

    frames: range
    path: FacePath


class FaceCrop(NamedTuple):
    """The crop in colour of face `face` (an index into the spans asked for) in frame `frame`."""

    frame: int
    face: int
    crop: UInt8[np.ndarray, "224 224 3"]


@runtime_checkable
class Reader(Protocol):
    """Reads files; each method raises `Reject` for a file that cannot be read."""

    def footage(
        self, path: Path, *, advance: Advance
    ) -> contextlib.AbstractContextManager[tuple[Footage, CropStore]]:
        """The footage with its speech, and the store of its crops, which is closed at the end."""
        ...

    def face_crops(self, path: Path, spans: Sequence[FaceSpan]) -> Iterator[FaceCrop]:
        """The crops of all faces, frame by frame, as they are decoded."""
        ...

    def look_ahead(self, path: Path) -> None:
        """Announces the next file, which may be read at once."""
        ...

    def content(self, path: Path) -> Content:
        """What was read of the file at `path`, the last one that was."""
        ...

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function returns where files are read."""
        ...

    def interrupt(self) -> None:
        """Ends what another thread waits for."""
        ...


class DirectReader:
    """Reads files in this process, without limits by default."""

    def __init__(self, detector: FaceDetector, *, options: ReadOptions = ANY_FILE):
        self._detector, self._options = detector, options

    @contextlib.contextmanager
    def footage(self, path: Path, *, advance: Advance) -> Iterator[tuple[Footage, CropStore]]:
        with open_store() as store:
            read = read_footage(
                path, self._detector, store=store, options=self._options, advance=advance
            )
            yield read._replace(has_speech=speech_frames(read.waveform)), store

    def face_crops(self, path: Path, spans: Sequence[FaceSpan]) -> Iterator[FaceCrop]:
        first, end = min(s.frames.start for s in spans), max(s.frames.stop for s in spans)
        for frame, image in enumerate(colour_frames(path, first=first, end=end), start=first):
            for face, span in enumerate(spans):
                if frame in span.frames:
                    crop = crop_face(image, span.path, index=frame - span.frames.start)
                    yield FaceCrop(frame, face, crop)

    def look_ahead(self, path: Path) -> None:
        del path

    def content(self, path: Path) -> Content:
        before = stamp(path)
        return Content(sha256(path), before)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    def interrupt(self) -> None:
        """Does nothing: a reading in this process ends by itself."""
