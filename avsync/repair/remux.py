"""Copies a file with its sound moved: the packets stay as they are, their timestamps change.

Sound that drifts against the picture cannot be stretched by its timestamps, since players count its
samples; it would have to be resampled and encoded again. The timestamps of a picture can: at 25
frames per second, a stretch by 0.1 % shows each of them for 0.04 ms longer. So the picture is
stretched to the sound, and with it all that is timed by the picture.
"""

import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream

from avsync.media.container import open_file
from avsync.media.formats import open_container
from avsync.media.rejects import Reject
from avsync.processes import JobError
from avsync.repair.containers import ALL_TAGS, DISK_ERRORS, CannotCopy, Target, target_of
from avsync.repair.content import (
    ANALYSED_SECONDS,
    TAG_ERRORS,
    FileContent,
    StreamContent,
    all_packets,
    differences,
    lost_tags,
    read_content,
)
from avsync.repair.retiming import TICK, Retiming, fraction

# The muxer writes its own.
BRAND_TAGS = {"major_brand", "minor_version", "compatible_brands"}


class Request(NamedTuple):
    """A copy of `source` is to be written to `out` with the sound `late_seconds` earlier.

    out: an empty file; None to learn what would be done.
    audio_track: number of the sound that was found to be late, from 1; None for the default one.
    stretch: by which share of its time since the first frame each frame is shown later, for sound
      that gets later at this rate.
    """

    source: Path
    out: Path | None
    audio_track: int | None
    late_seconds: float
    stretch: float = 0.0


class Moved(NamedTuple):
    """What was moved.

    tracks: the numbers of the sound tracks that were moved, from 1, the late one first.
    others: those that were not, since they begin or end elsewhere.
    lead_seconds: how much later all else begins, where the sound would begin before time 0.
    lost: streams, tags and chapters that the copy lacks, in words.
    """

    tracks: tuple[int, ...]
    others: tuple[int, ...] = ()
    lead_seconds: float = 0.0
    lost: tuple[str, ...] = ()


class _Used(NamedTuple):
    """The picture and the sound that were scored, and all sound tracks, by index."""

    video: int
    audio: int
    tracks: Sequence[int]


class _Plan(NamedTuple):
    """How the streams of a file, by their index, are copied.

    carried: the streams of the copy, in order.
    moves: the new times of each of them.
    chapters: the new times of the chapters.
    """

    target: Target
    carried: list[int]
    moves: Mapping[int, Retiming]
    chapters: Retiming
    moved: Moved


def move_sound(request: Request) -> Moved:
    """Writes the copy, and checks that it holds what the source holds.

    The late sound moves, and with it every sound that begins and ends with it. Pictures, subtitles,
    chapters and attachments stay, and so does sound of another length. With a stretch, all but the
    sound that moves is stretched.

    Raises `CannotCopy` if a stream cannot be copied as it is, and `JobError` if the disk is full.
    """
    try:
        with open_file(request.source, audio_track=request.audio_track) as file:
            tracks = [stream.index for stream in file.container.streams.audio]
            used = _Used(file.video.index, file.audio.index, tracks)
        content = read_content(request.source)
        with open_container(request.source, analysed_seconds=ANALYSED_SECONDS) as source:
            plan = _plan(source, content, request, used)
        if request.out is None:
            return plan.moved
        lost = _copy(request, plan, content)
        if lost and plan.target.hides_start:
            options = plan.target.options | ALL_TAGS
            plan = plan._replace(target=plan.target._replace(options=options))
            lost = _copy(request, plan, content)
        return plan.moved._replace(lost=plan.moved.lost + lost)
    except Reject as error:
        raise CannotCopy(str(error)) from error
    except FFmpegError as error:
        if error.errno in DISK_ERRORS:
            raise JobError(f"{request.out}: {error.strerror}") from error
        raise CannotCopy(f"FFmpeg: {error.strerror}") from error


def _plan(source: InputContainer, content: FileContent, request: Request, used: _Used) -> _Plan:
    target = target_of(source, request.source)
    streams, tracks = content.streams, used.tracks
    moved = [i for i in tracks if streams[i].has_span_of(streams[used.audio])]
    moved.sort(key=lambda index: index != used.audio)
    others = tuple(number for number, i in enumerate(tracks, start=1) if i not in moved)
    if others and request.stretch:
        raise CannotCopy(
            f"sound track {others[0]} begins or ends elsewhere than the one that drifts: it stays "
            "with the picture, and sound cannot be stretched without encoding it again"
        )
    late = Fraction(request.late_seconds).limit_denominator(1_000_000)
    lead = Fraction(0)
    if not target.hides_start:
        starts = [streams[i].start_seconds for i in moved]
        # A start just before 0 is the priming of a codec, which the container states.
        before_zero = max(min(start, 0.0) - (start - float(late)) for start in starts)
        lead = max(lead, Fraction(before_zero).limit_denominator(1_000_000))
    carried, lost = _carried(source, target)
    # Times of scores begin with the picture.
    start = fraction(streams[used.video].start_seconds)
    rest = Retiming(lead, fraction(request.stretch), start)
    still = {i for i in carried if streams[i].is_picture}
    moves = dict.fromkeys(carried, rest) | dict.fromkeys(still, Retiming(lead))
    moves |= dict.fromkeys(moved, Retiming(lead - late))
    numbers = tuple(tracks.index(i) + 1 for i in moved)
    return _Plan(target, carried, moves, rest, Moved(numbers, others, float(lead), lost))


def _carried(source: InputContainer, target: Target) -> tuple[list[int], tuple[str, ...]]:
    """The streams that the copy can hold, and those that it cannot, in words.

    Raises `CannotCopy` if that is more than data: timecodes and titles of chapters in MOV files,
    which are written anew, and telemetry, for which FFmpeg has no place.
    """
    carried, lost = [], []
    for stream in source.streams:
        if _is_cover(stream, target) or _fits(stream, target):
            carried.append(stream.index)
        elif stream.type != "data":
            raise CannotCopy(
                f"stream {stream.index} ({stream.type}) cannot be written to {target.muxer}"
            )
        elif not _is_written_anew(stream, source):
            lost.append(f"stream {stream.index} (data)")
    return carried, tuple(lost)


def _fits(stream: Any, target: Target) -> bool:
    """Whether FFmpeg writes such a stream to the container."""
    if stream.type == "data" and target.hides_start:
        return False
    try:
        with av.open(io.BytesIO(), "w", format=target.muxer) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (ValueError, FFmpegError):
        return False
    return True


def _is_cover(stream: Any, target: Target) -> bool:
    """Whether the stream is a picture of the cover that Matroska holds as an attachment."""
    is_picture = bool(stream.disposition & Disposition.attached_pic)
    return is_picture and not target.hides_start


def _is_written_anew(stream: Any, source: InputContainer) -> bool:
    is_chapters = stream.name == "bin_data" and bool(source.chapters())
    return is_chapters or "timecode" in stream.metadata


def _copy(request: Request, plan: _Plan, content: FileContent) -> tuple[str, ...]:
    """Writes the copy and reads it; returns the tags that it lacks. Raises `CannotCopy`."""
    assert request.out is not None
    covers = _covers(request.source, content, plan)
    with (
        open_container(
            request.source, tag_errors=TAG_ERRORS, analysed_seconds=ANALYSED_SECONDS
        ) as source,
        av.open(
            f"file:{request.out.absolute()}",
            "w",
            format=plan.target.muxer,
            options=plan.target.options,
            metadata_errors=TAG_ERRORS,
        ) as out,
    ):
        streams = {
            index: _add_stream(out, source.streams[index], plan, covers.get(index))
            for index in plan.carried
        }
        out.metadata.update(
            {key: value for key, value in source.metadata.items() if key not in BRAND_TAGS}
        )
        out.set_chapters([plan.chapters.of_chapter(each) for each in source.chapters()])
        for packet in all_packets(source):
            index = packet.stream.index
            if index in streams and index not in covers:
                plan.moves[index].change(packet)
                packet.stream = streams[index]
                out.mux(packet)
    return _check(request.out, plan, content)


def _check(path: Path, plan: _Plan, content: FileContent) -> tuple[str, ...]:
    moves = [plan.moves[i] for i in plan.carried]
    streams = [content.streams[i] for i in plan.carried]
    streams = [move.stretched(each) for move, each in zip(moves, streams, strict=True)]
    source = content._replace(streams=streams)
    copy = read_content(path)
    # Behind the carried streams are those that FFmpeg makes of chapters and timecodes.
    copy = copy._replace(streams=copy.streams[: len(source.streams)])
    later = [float(move.later_seconds) for move in moves]
    if found := differences(source.streams, copy.streams, later=later):
        raise CannotCopy(f"FFmpeg's copy differs from the file: {'; '.join(found)}")
    return tuple(lost_tags(source, copy))


def _covers(path: Path, content: FileContent, plan: _Plan) -> dict[int, bytes]:
    """The pictures of the cover that are written as attachments."""
    if plan.target.hides_start:
        return {}
    wanted = [content.streams[i] for i in plan.carried if content.streams[i].is_picture]
    return {stream.stream_index: _picture(path, stream) for stream in wanted}


def _picture(path: Path, stream: StreamContent) -> bytes:
    with open_container(path) as container:
        packets = container.demux(container.streams[stream.stream_index])
        return b"".join(bytes(packet) for packet in packets if packet.size)


def _add_stream(out: OutputContainer, template: Any, plan: _Plan, cover: bytes | None) -> Stream:
    if cover is not None:
        tags = template.metadata
        return out.add_attachment(tags.get("filename", "cover"), tags.get("mimetype", ""), cover)
    stream = out.add_stream_from_template(template, opaque=True)
    stream.metadata.update(template.metadata)
    stream.disposition, stream.id = template.disposition, template.id
    context, move = template.codec_context, plan.moves[template.index]
    if context is not None and plan.target.keeps_codec_tags:
        stream.codec_context.codec_tag = context.codec_tag
    if template.type == "video" and template.average_rate:
        # Of the frames that Matroska does not state the length of.
        stream.codec_context.framerate = move.new_rate(template.average_rate)
    if move.stretch:
        stream.time_base = TICK
    return stream
