"""The containers that are opened, and what a file is that cannot be opened."""

import os
import re
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.error import MemoryError as FFmpegMemoryError

from avsync.media.rejects import Reject
from avsync.names import shown

# Demuxers, as FFmpeg names them, of containers that hold all of their streams themselves. Others
# open the files and addresses that they name (HLS, DASH, ffconcat, SDP, image sequences) or are no
# video (images, subtitles, text). FFmpeg tries no demuxer but these, whatever a file is called.
CONTAINERS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "live_flv", "asf", "asf_o"),
    *("mpeg", "mpegts", "mpegtsraw", "mxf", "nut", "ogg", "dv", "rm", "gxf", "ivf", "nsv", "wtv"),
    *("lxf", "mpegvideo", "h264", "hevc", "m4v", "vc1", "ivr", "pva", "swf", "roq", "bink", "smk"),
    # Sound alone: the file is told to have no video.
    *("wav", "w64", "mp3", "aac", "flac", "aiff", "caf", "au", "ac3", "eac3", "amr", "ape", "tta"),
)

# `file` alone: nothing that a file names is fetched. In MOV files, references to other files are
# not followed unless asked for.
OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINERS)}

HEAD_BYTES = 4096

# Where Matroska and MP4 name the codec of a stream. FFmpeg has no word for codecs that it lacks.
MATROSKA_CODEC = re.compile(rb"\x86[\x80-\xbf]([VA]_[\w/.+-]+)")
MP4_CODEC = re.compile(rb"stsd.{12}([ -~]{4})", re.DOTALL)
INDEX_BYTES = 1 << 20  # of the beginning and of the end, where it is searched

PLAYLISTS = (b"#EXTM3U", b"ffconcat version", b"[playlist]", b"v=0", b"[Reference]")
PLAYLIST_ELEMENTS = (b"<MPD", b"<SmoothStreamingMedia", b"<smil", b"<asx", b"<playlist")

MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

# How files of other containers begin.
BEGINNINGS = {
    b"\x1aE\xdf\xa3": "Matroska or WebM",
    b"RIFF": "AVI or WAV",
    b"FLV": "FLV",
    b"OggS": "Ogg",
    b"0&\xb2u": "ASF or WMV",
    b"\x00\x00\x01\xba": "MPEG",
    b"G": "MPEG transport stream",
    b"\x06\x0e+4": "MXF",
    b"nut/multimedia": "NUT",
}

TEXT = frozenset({*range(32, 127), *b"\t\n\r\f\x1b"})


def require_file(path: Path) -> None:
    """Raises `Reject` unless there is a file at `path` with any content."""
    if path.is_file():
        if not os.access(path, os.R_OK):
            raise Reject("missing_file", f"{path} cannot be read: permission denied")
        try:
            is_empty = not path.stat().st_size
        except OSError as error:
            raise Reject("missing_file", f"{path} cannot be read: {error.strerror}") from error
        if is_empty:
            raise Reject("empty_file", "the file has no content; copy or download it again")
    elif path.is_dir():
        raise Reject("not_media", f"{path} is a folder")
    elif path.exists():
        raise Reject("not_media", f"{path} is a pipe or a device, not a file")
    else:
        dangling = ": it is a link that leads nowhere" if path.is_symlink() else ""
        raise Reject("missing_file", f"no file at {path}{dangling}")


def open_container(
    path: Path, *, tag_errors: str = "ignore", analysed_seconds: float | None = None
) -> InputContainer:
    """The open container; raises `Reject`, which says what the file is, if it cannot be opened.

    Tags may be in any encoding; `tag_errors` says how bytes that are not UTF-8 are decoded. FFmpeg
    looks for packets of each stream in the first `analysed_seconds`; by default for 5 s.
    """
    require_file(path)
    if not os.access(path, os.R_OK):
        raise Reject("missing_file", f"{path} cannot be read: permission denied")
    try:
        # With the name of the protocol: "concat:a.mp4" is a file of this name, and nothing else.
        address = f"file:{path.absolute()}"
        options = dict(OPTIONS)
        if analysed_seconds is not None:
            options["analyzeduration"] = str(round(analysed_seconds * 1_000_000))
        return av.open(address, metadata_errors=tag_errors, options=options)
    except FFmpegMemoryError as error:
        raise Reject("undecodable", "FFmpeg: out of memory") from error
    except FFmpegError as error:
        raise _described(path, error) from error


def codec_name(path: Path, kind: str, *, index: int) -> str:
    """The name that a file gives to the codec of its stream `index` ("video" or "audio")."""
    with path.open("rb") as file:
        head = file.read(INDEX_BYTES)
        file.seek(max(0, path.stat().st_size - INDEX_BYTES))
        tail = file.read(INDEX_BYTES)
    letter = b"V" if kind == "video" else b"A"
    matroska = [name for name in MATROSKA_CODEC.findall(head) if name.startswith(letter)]
    mp4 = MP4_CODEC.findall(head) or MP4_CODEC.findall(tail)
    found = matroska[:1] or mp4[index : index + 1]
    return shown(found[0].decode("ascii")) if found else "whose name is not known"


def _described(path: Path, error: FFmpegError) -> Reject:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(PLAYLISTS) or any(element in start for element in PLAYLIST_ELEMENTS):
        return Reject(
            "playlist",
            "a playlist or a list of files, not a video: give the files that it names",
        )
    if head[4:8] in MOV_ATOMS:
        return Reject(
            "incomplete",
            "the index of the file (its moov atom) is missing or damaged: the recording or the "
            "copy was cut off",
        )
    if set(head) <= TEXT:
        return Reject("not_media", "the file is text, not a video")
    for beginning, container in BEGINNINGS.items():
        if head.startswith(beginning):
            return Reject(
                "undecodable",
                f"the file begins like {container}, but its header is damaged or cut off "
                f"({error.strerror})",
            )
    return Reject("not_media", "the file is in no format of videos that is known")
