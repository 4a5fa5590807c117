"""Mutants of media files that keep to the structure of their container.

Most random changes of a video hit a coded picture, and only a decoder sees them. Here the parts of
a container are found first (boxes, elements, chunks, tags, packets, pages), and their lengths,
names, tables and timestamps are changed, or whole parts deleted, repeated and exchanged.
"""

import itertools
import random
import struct
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from tests.fuzz.mutations import EXTREMES

Layout = Literal["boxes", "elements", "chunks", "tags", "packets", "pages", "plain"]

# Of a long part, the beginning: dimensions, rates and timestamps are there.
HEAD_BYTES = 160

# Boxes, elements and chunks whose content is parts again.
BOXES = b"moov trak mdia minf stbl edts dinf udta moof traf mvex stsd avc1 mp4a".split()
ELEMENTS = {
    *(0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0xE1, 0x1F43B675, 0xA0, 0x1549A966, 0x1C53BB6B, 0xBB),
    *(0xB7, 0x1254C367, 0x7373, 0x114D9B74, 0x4DBB),
}
LISTS = (b"RIFF", b"LIST")
# Fields before the parts inside a box.
SKIPPED = {b"stsd": 8, b"avc1": 78, b"mp4a": 28}

PACKET_BYTES = 188


class Part(NamedTuple):
    """Bytes [start, end) of a file: a header up to `content`, and the content."""

    start: int
    content: int
    end: int


def structured_mutants(data: bytes, layout: Layout, *, seed: int, number: int) -> Iterator[bytes]:
    """`number` variants of the file, each changed in one to four parts; the same for a seed."""
    parts = list(_WALKS[layout](data))
    for index in range(number):
        random_state = random.Random(f"{seed}/{layout}/{index}")
        changed = bytearray(data)
        # From the end, so that the places of the other parts stay where they are.
        chosen = random_state.choices(parts, k=random_state.choice((1, 1, 1, 2, 4)))
        for part in sorted(chosen, reverse=True):
            random_state.choice(CHANGES)(changed, part, parts, random_state)
        yield with_checksums(bytes(changed)) if layout == "pages" else bytes(changed)


def _change_header(data: bytearray, part: Part, _: list[Part], state: random.Random) -> None:
    _change_number(data, part.start, max(part.content, part.start + 1), state)


def _change_content(data: bytearray, part: Part, _: list[Part], state: random.Random) -> None:
    end = min(part.end, part.content + HEAD_BYTES)
    if end > part.content:
        _change_number(data, part.content, end, state)


def _change_number(data: bytearray, start: int, end: int, state: random.Random) -> None:
    size = min(state.choice((1, 2, 4, 4, 8)), end - start)
    place = state.randrange(start, end - size + 1)
    old = int.from_bytes(data[place : place + size], "big")
    limit = 1 << 8 * size
    new = state.choice(
        (
            state.choice(EXTREMES),
            old + 1,
            old - 1,
            2 * old,
            old // 2,
            old ^ (1 << state.randrange(8 * size)),
        )
    )
    data[place : place + size] = (new % limit).to_bytes(size, "big")


def _delete(data: bytearray, part: Part, _: list[Part], __: random.Random) -> None:
    del data[part.start : part.end]


def _repeat(data: bytearray, part: Part, _: list[Part], state: random.Random) -> None:
    data[part.end : part.end] = data[part.start : part.end] * state.choice((1, 1, 3, 40))


def _replace(data: bytearray, part: Part, parts: list[Part], state: random.Random) -> None:
    other = state.choice(parts)
    data[part.start : part.end] = data[other.start : other.end]


CHANGES: tuple[Callable[[bytearray, Part, list[Part], random.Random], None], ...] = (
    *(_change_header, _change_content, _change_content, _change_content),
    *(_delete, _repeat, _replace),
)


def _boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """MP4 and QuickTime: a length in 4 bytes, a name in 4."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        stop = min(end, start + max(8, size))
        yield Part(start, start + 8, stop)
        if name in BOXES:
            yield from _boxes(data, start + 8 + SKIPPED.get(name, 0), stop)
        start = stop


def _elements(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """Matroska: an id and a length, each as long as its leading zero bits say."""
    end = len(data) if end is None else end
    while start < end:
        id_bytes = _leading_zeros(data[start]) + 1
        place = start + id_bytes
        if place >= end:
            return
        size_bytes = _leading_zeros(data[place]) + 1
        content = place + size_bytes
        size = int.from_bytes(data[place:content], "big") & ((1 << 7 * size_bytes) - 1)
        stop = min(end, content + size)
        yield Part(start, content, stop)
        if int.from_bytes(data[start:place], "big") in ELEMENTS:
            yield from _elements(data, content, stop)
        start = stop


def _leading_zeros(byte: int) -> int:
    return 8 - byte.bit_length() if byte else 7


def _chunks(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """AVI: a name in 4 bytes, a length in 4, little-endian; contents are of even length."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, start)
        stop = min(end, start + 8 + size + size % 2)
        is_list = name in LISTS
        yield Part(start, start + 8 + 4 * is_list, stop)
        if is_list:
            yield from _chunks(data, start + 12, stop)
        start = stop


def _tags(data: bytes) -> Iterator[Part]:
    """FLV: 11 bytes with the length and the time, and the length again after the content."""
    start = 13
    yield Part(0, start, start)
    while start + 11 <= len(data):
        stop = min(len(data), start + 11 + int.from_bytes(data[start + 1 : start + 4], "big") + 4)
        yield Part(start, start + 11, stop)
        start = stop


def _packets(data: bytes) -> Iterator[Part]:
    """MPEG transport streams: packets of one length; timestamps are at their beginning."""
    for start in range(0, len(data), PACKET_BYTES):
        yield Part(start, start + 4, min(len(data), start + PACKET_BYTES))


def _pages(data: bytes) -> Iterator[Part]:
    """Ogg: a header with the time, a checksum, and the lengths of the packets."""
    start = 0
    while start + 27 <= len(data) and data[start : start + 4] == b"OggS":
        content = start + 27 + data[start + 26]
        stop = min(len(data), content + sum(data[start + 27 : content]))
        yield Part(start, content, stop)
        start = stop


def _plain(data: bytes) -> Iterator[Part]:
    """Any other: pieces of 64 bytes in the first 4 KiB, larger ones later."""
    places = [*range(0, 4096, 64), *range(4096, len(data), 1024), len(data)]
    places = [place for place in places if place <= len(data)]
    for start, end in itertools.pairwise(places):
        yield Part(start, start + 8, end)


_WALKS: dict[Layout, Callable[[bytes], Iterator[Part]]] = {
    "boxes": _boxes,
    "elements": _elements,
    "chunks": _chunks,
    "tags": _tags,
    "packets": _packets,
    "pages": _pages,
    "plain": _plain,
}


def with_checksums(data: bytes) -> bytes:
    """The Ogg file with right checksums: a page with a wrong one is skipped unseen."""
    fixed = bytearray(data)
    for page in _pages(data):
        fixed[page.start + 22 : page.start + 26] = bytes(4)
        checksum = 0
        for byte in fixed[page.start : page.end]:
            checksum = (checksum << 8) & 0xFFFFFFFF ^ _CHECKSUMS[checksum >> 24 ^ byte]
        fixed[page.start + 22 : page.start + 26] = checksum.to_bytes(4, "little")
    return bytes(fixed)


def _checksum_of_byte(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = value << 1 ^ (0x104C11DB7 if value & 0x80000000 else 0)
    return value


_CHECKSUMS = [_checksum_of_byte(byte) for byte in range(256)]
