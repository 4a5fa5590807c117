"""The containers in which sound is moved: how each is recognised, and how it is written again.

A copy has the container of its source, whatever the name of the file says. Timestamps alone move
the sound. MP4 and MOV cannot state a time before 0, but have edit lists: what lies before 0 is in
the file and is not played. In the others nothing may begin before 0, so all else begins later.
"""

import errno
from pathlib import Path
from typing import NamedTuple

from av.container import InputContainer

MOV_NAMES = "mov,mp4,m4a,3gp,3g2,mj2"
MATROSKA_NAMES = "matroska,webm"
TRANSPORT_STREAM = "mpegts"

# As FFmpeg names the program that writes them, for --help and for messages.
SUPPORTED = "MP4, MOV, 3GP, Matroska, WebM and MPEG transport streams"

# Edit lists count in ticks of the film. FFmpeg's default of 1000 a second would move the sound by
# up to 1 ms; in 32 bits, 90 kHz lasts for 13 hours.
MOV_OPTIONS = {"movie_timescale": "90000", "movflags": "+faststart"}

# What these two add to the tags that players know: any other tag, which players may not show.
ALL_TAGS = {"movflags": "+faststart+use_metadata_tags"}

# Timestamps stay as they are; the clock of the stream (PCR) runs 0.7 s ahead of them, as FFmpeg's
# command has it by default, so that a receiver has the packets before it needs them.
TRANSPORT_OPTIONS = {"mpegts_copyts": "1", "max_delay": "700000"}

# A Blu-ray or camera file: 4 bytes of time before each packet of 188 bytes, which begins with "G".
SYNC_BYTE, M2TS_PREFIX_BYTES, M2TS_PACKET_BYTES = b"G", 4, 192

HEAD_BYTES = 4096

# They end the whole job: the next copy would fail as well.
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class CannotCopy(Exception):
    """Why a file cannot be written again with its sound moved, in words."""


class Target(NamedTuple):
    """How a copy of a file is written.

    muxer: the name of its container in FFmpeg.
    options: of the muxer.
    hides_start: True if sound may begin before time 0, and is then not played.
    keeps_codec_tags: True if the container names codecs by tags of four letters. A player may know
      one and not the other of two tags for a codec (hvc1 and hev1).
    """

    muxer: str
    options: dict[str, str]
    hides_start: bool = False
    keeps_codec_tags: bool = False


def target_of(container: InputContainer, path: Path) -> Target:
    """How a copy of this open file is written; raises `CannotCopy` for other containers."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    match container.format.name:
        case name if name == MOV_NAMES:
            return _mov(container.metadata.get("major_brand", "qt").strip())
        case name if name == MATROSKA_NAMES:
            return Target("webm" if b"\x42\x82\x84webm" in head else "matroska", {})
        case name if name == TRANSPORT_STREAM:
            second = M2TS_PREFIX_BYTES + M2TS_PACKET_BYTES
            is_m2ts = head[M2TS_PREFIX_BYTES : M2TS_PREFIX_BYTES + 1] == SYNC_BYTE
            is_m2ts = is_m2ts and head[second : second + 1] == SYNC_BYTE
            mode = {"mpegts_m2ts_mode": str(int(is_m2ts))}
            return Target(TRANSPORT_STREAM, TRANSPORT_OPTIONS | mode)
    raise CannotCopy(
        f"the sound cannot be moved in this container ({container.format.name}), only in "
        f"{SUPPORTED}: copy its streams to Matroska first (ffmpeg -i FILE -map 0 -c copy NEW.mkv)"
    )


def _mov(brand: str) -> Target:
    """`brand` is the major brand of the file; files before 2001 have none."""
    if brand == "qt":
        return Target("mov", MOV_OPTIONS, hides_start=True, keeps_codec_tags=True)
    muxer = brand[:3].lower() if brand[:3].lower() in ("3gp", "3g2") else "mp4"
    options = MOV_OPTIONS | {"brand": brand}
    return Target(muxer, options, hides_start=True, keeps_codec_tags=True)
