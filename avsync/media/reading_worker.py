"""The work of the process that reads files for scoring, at the request of `process_reader`."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from avsync.files import sha256
from avsync.media.landmarks.base import load_detector
from avsync.media.read_options import ReadOptions
from avsync.media.reading import DirectReader, FaceSpan
from avsync.processes import WithFile, Work

# Two reports of progress are at least this far apart.
REPORT_SECONDS = 0.2


class FootageRequest(NamedTuple):
    """Read a file: its footage and the file of its crops."""

    path: Path


class CropRequest(NamedTuple):
    """Read the crops of faces again, in colour; each is reported."""

    path: Path
    spans: tuple[FaceSpan, ...]


class Hashed(NamedTuple):
    """A report: a part of the file is hashed; or all of it, with this result."""

    sha256: str | None = None


class CallRequest(NamedTuple):
    """Call a function, which returns the result."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def start_reading(detector: str, options: ReadOptions) -> Work:
    """The work of the process."""
    return functools.partial(_work, DirectReader(load_detector(detector), options=options))


def _work(
    reader: DirectReader,
    request: FootageRequest | CropRequest | CallRequest,
    report: Callable[[Any], None],
) -> Any:
    if isinstance(request, CallRequest):
        return request.function(*request.arguments)
    if isinstance(request, CropRequest):
        for crop in reader.face_crops(request.path, request.spans):
            report(crop)
        return None
    advance = _Advance(report)
    hashed = sha256(request.path, advance=lambda: report(Hashed()))
    report(Hashed(hashed))
    with reader.footage(request.path, advance=advance) as (footage, store):
        result = WithFile(footage, store.detach())
    advance.finish()
    return result


class _Advance:
    """Reports progress now and then: a report takes as long as some small frames."""

    def __init__(self, report: Callable[[Any], None]):
        self._report = report
        self._latest = (0, 0)
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        self._latest = (done, total)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + REPORT_SECONDS
            self._report(self._latest)

    def finish(self) -> None:
        """Reports the end."""
        self._report(self._latest)
