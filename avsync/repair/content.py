"""What the streams of a file hold and when, to see that a copy holds the same."""

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import EOFError as FFmpegEOFError
from av.error import InvalidDataError
from av.stream import AttachmentStream, Disposition
from jaxtyping import Float, Int

from avsync.media.formats import open_container
from avsync.repair.containers import CannotCopy

# Tags that a container or its writer sets by itself.
OWN_TAGS = {
    *("encoder", "duration", "major_brand", "minor_version", "compatible_brands", "vendor_id"),
    *("handler_name", "filename", "mimetype"),
}

# Matroska counts in milliseconds, and rounds the time before and after the move.
MAX_TIME_ERROR_SECONDS = 0.002

# Two sound tracks of one recording differ in start and end by the frames and the priming of their
# codecs: 2048 samples of AAC at 44.1 kHz are 0.05 s.
SAME_SPAN_SECONDS = 0.1

# Writers that do not interleave their streams write 10 s of one before the other. FFmpeg guesses
# decoding times that no muxer takes for a picture with B frames that it has not seen by then.
ANALYSED_SECONDS = 60.0

# Tags in any encoding stay as they are, byte by byte.
TAG_ERRORS = "surrogateescape"

NO_TICKS = np.iinfo(np.int64).min

Bytes = Int[np.ndarray, " p"]
Seconds = Float[np.ndarray, " p"]


class StreamContent(NamedTuple):
    """A stream as its packets are, with what the header says of it.

    parameters: of the codec and the picture or sound, by name.
    tags: with keys in lower case, without those of `OWN_TAGS`.
    digest: SHA-256 of all bytes, whatever packets they lie in.
    positions: the number of bytes before each packet that has a time.
    times: the time at which each of these is presented.
    end_seconds: when the last of them ends.
    """

    stream_index: int
    kind: str
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    disposition: int
    num_bytes: int
    digest: str
    positions: Bytes
    times: Seconds
    end_seconds: float

    @property
    def start_seconds(self) -> float:
        """The time of its first packet; 0 for a stream without times."""
        return float(self.times.min(initial=np.inf)) if len(self.times) else 0.0

    @property
    def is_picture(self) -> bool:
        """True for a picture of the cover, which has no time."""
        return bool(self.disposition & Disposition.attached_pic)

    def has_span_of(self, other: "StreamContent") -> bool:
        """True if both begin and end together."""
        starts = abs(self.start_seconds - other.start_seconds)
        return max(starts, abs(self.end_seconds - other.end_seconds)) <= SAME_SPAN_SECONDS


class FileContent(NamedTuple):
    """The streams of a file; the tags of the file, as those of a stream; its chapters.

    chapters: start and title of each.
    """

    streams: list[StreamContent]
    tags: Mapping[str, str]
    chapters: list[tuple[float, str]]


def read_content(path: Path) -> FileContent:
    """Reads all packets of a file; raises `CannotCopy` where they are damaged, and `Reject`."""
    options = {"tag_errors": TAG_ERRORS, "analysed_seconds": ANALYSED_SECONDS}
    with open_container(path, **options) as container:
        readers = [_Reader(stream) for stream in container.streams]
        for packet in all_packets(container):
            readers[packet.stream.index].add(packet)
        streams = [reader.finish() for reader in readers]
        chapters = [
            (
                float(chapter["start"] * (chapter["time_base"] or 0)),
                chapter["metadata"].get("title", ""),
            )
            for chapter in container.chapters()
        ]
        return FileContent(streams, _tags(container.metadata), chapters)


def all_packets(container: InputContainer) -> Iterator[av.Packet]:
    """The packets with data of all streams; raises `CannotCopy` if some cannot be read."""
    try:
        yield from (packet for packet in container.demux() if packet.size)
    except (InvalidDataError, FFmpegEOFError) as error:
        raise CannotCopy(f"the file is damaged: {error.strerror}") from error
    except IndexError as error:  # PyAV knows the streams of the header only
        raise CannotCopy("a stream begins in the middle that the header does not name") from error


def differences(
    source: Sequence[StreamContent], copy: Sequence[StreamContent], *, later: Sequence[float]
) -> list[str]:
    """How the streams of a copy differ from those that it was made of, in words; [] if it is whole.

    `later` says for each how many seconds later it should be. All times of the copy may be later or
    earlier together: containers differ in what they call 0.
    """
    if len(source) != len(copy):
        return [f"it has {len(copy)} streams instead of {len(source)}"]
    found, moved_by = [], []
    for before, after, seconds in zip(source, copy, later, strict=True):
        name = f"stream {before.stream_index} ({before.kind})"
        if before.digest != after.digest:
            found.append(f"{name} has other data")
            continue
        changed = [
            f"{key} {value} becomes {after.parameters.get(key)}"
            for key, value in before.parameters.items()
            if after.parameters.get(key) != value
        ]
        if changed:
            found.append(f"{name}: {', '.join(changed)}")
        if before.disposition != after.disposition:
            found.append(f"{name} is marked in another way")
        delays = _delays(before, after) - seconds
        if len(delays):
            moved_by += [float(delays.min()), float(delays.max())]
    if not found and moved_by and max(moved_by) - min(moved_by) > MAX_TIME_ERROR_SECONDS:
        found.append(f"its times differ by up to {max(moved_by) - min(moved_by):.3f} s")
    return found


def lost_tags(source: FileContent, copy: FileContent) -> list[str]:
    """The tags and chapters of the source that a copy with the same streams lacks, in words."""
    pairs = [("the file", source.tags, copy.tags)]
    pairs += [
        (f"stream {before.stream_index}", before.tags, after.tags)
        for before, after in zip(source.streams, copy.streams, strict=True)
    ]
    found = [
        f"tag {key!r} of {name}"
        for name, before, after in pairs
        for key, value in before.items()
        if after.get(key) != value
    ]
    titles = [[title for _, title in content.chapters] for content in (source, copy)]
    return found if titles[0] == titles[1] else [*found, "chapters"]


class _Reader:
    """Takes the packets of a stream."""

    def __init__(self, stream: Any):
        self._stream = stream
        self._digest, self._num_bytes = hashlib.sha256(), 0
        self._positions, self._ticks = array("q"), array("q")
        self._end_ticks = NO_TICKS

    def add(self, packet: av.Packet) -> None:
        if packet.pts is not None:
            self._positions.append(self._num_bytes)
            self._ticks.append(packet.pts)
            self._end_ticks = max(self._end_ticks, packet.pts + (packet.duration or 0))
        self._digest.update(packet)
        self._num_bytes += packet.size

    def finish(self) -> StreamContent:
        stream = self._stream
        tick_seconds = float(stream.time_base or 0)
        if isinstance(stream, AttachmentStream):  # its data lie in the header
            self._digest.update(stream.data)
            self._num_bytes = len(stream.data)
        return StreamContent(
            stream.index,
            stream.type,
            _parameters(stream),
            _tags(stream.metadata),
            int(stream.disposition),
            self._num_bytes,
            self._digest.hexdigest(),
            np.frombuffer(self._positions, np.int64),
            np.frombuffer(self._ticks, np.int64) * tick_seconds,
            self._end_ticks * tick_seconds if len(self._ticks) else 0.0,
        )


def _parameters(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    if context is None:
        return {"name": stream.metadata.get("filename")}
    names = ("codec.canonical_name", "profile")
    if stream.type == "video":
        names += ("width", "height", "pix_fmt", "color_range", "color_primaries", "color_trc")
    elif stream.type == "audio":
        names += ("sample_rate", "layout.name")
    found = {name: _attribute(context, name) for name in names}
    if stream.type == "video":
        found["pixel aspect"] = stream.sample_aspect_ratio or 1
    return found


def _attribute(value: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        value = getattr(value, name, None)
    return value


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    lower = {key.lower(): value for key, value in tags.items()}
    unstated = {("language", "und")}
    return {k: v for k, v in lower.items() if k not in OWN_TAGS and (k, v) not in unstated}


def _delays(before: StreamContent, after: StreamContent) -> Seconds:
    """How much later each piece of a stream is in a copy; both may be cut into other packets."""
    _, first, second = np.intersect1d(before.positions, after.positions, return_indices=True)
    return after.times[second] - before.times[first]
