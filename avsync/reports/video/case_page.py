"""The page of a scored file: its video with faces, and all that is known of it, over time.

One HTML file that needs nothing else, and asks for nothing: a policy in it forbids any request. A
video too large to embed is the exception; the page plays it where it lies.
"""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from avsync import names
from avsync.media.file_clock import FileClock, read_clock
from avsync.media.playback import MAX_PREVIEW_SECONDS, Playback, read_playback
from avsync.reports import html
from avsync.reports.html import escape
from avsync.reports.text import readable
from avsync.reports.video import case_panels
from avsync.reports.video.case_data import page_data
from avsync.reports.video.job import is_flagged
from avsync.reports.video.picture import shown_moments
from avsync.reports.video.record import Record
from avsync.scoring.video import verdict
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.results import FaceResult, SyncResult, VideoResult
from avsync.units import FRAMES_PER_SECOND

STYLE, SCRIPT = (Path(__file__).with_name(f"case.{suffix}") for suffix in ("css", "js"))

# `file:` and 'self' are for a linked video alone.
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "media-src {media}; form-action 'none'; base-uri 'none'"
)

# A table of more is not read; scores.jsonl has them all.
MAX_ROWS = 100

# Half of the grid on which scores lie: from the end of a span back to its last frame.
HALF = 0.5 / FRAMES_PER_SECOND

KEYS = (
    "Space plays and stops, the arrow keys step a frame; a click on a panel or a button goes there."
)


def make_page(
    result: VideoResult,
    record: Record,
    reference: Reference,
    *,
    audio_track: int | None,
    folder: Path,
) -> str:
    """The page, for `folder`; the file is read again. Raises `Reject`."""
    assert result.timeline is not None, f"{result.path} has no score to show"
    path = Path(result.path)
    playback = read_playback(
        path,
        audio_track=audio_track,
        waveform=result.timeline.waveform,
        start_seconds=result.timeline.start_seconds,
    )
    link = quote(os.fsencode(os.path.relpath(path.absolute(), folder.absolute())))
    return render(result, record, reference, clock=read_clock(path), playback=playback, link=link)


def render(
    result: VideoResult,
    record: Record,
    reference: Reference,
    *,
    clock: FileClock,
    playback: Playback,
    link: str,
) -> str:
    """The page; `link` is the relative address of the file, quoted."""
    timeline = result.timeline
    assert timeline is not None
    media = "file: 'self'" if playback.kind == "linked" else "blob:"
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(media=media)}">\n'
        f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n"
    )
    data = page_data(result, timeline, clock=clock, playback=playback)
    body = [
        html.source(_source(record)),
        html.headline(record["message"]),
        f'<div class="case"><div>{_player(playback, link)}</div>',
        '<div class="finds">',
        _finds(result, clock),
        f"<h2>A/V offset: {escape(verdict.offset_cell(result))}</h2>",
        case_panels.offset_bars(result, timeline),
        _offsets(result, clock),
        "</div>",
        case_panels.render(result, timeline, reference),
        "</div>",
        html.section("Faces", _faces(result.faces, clock)),
        html.section("What was judged against what", _basis(result, record, reference)),
        html.section("The file and the scorer", _facts(record, clock, playback)),
        html.json_script("data", data),
        _embedded(playback),
        f"<script>\n{SCRIPT.read_text(encoding='utf-8')}</script>",
    ]
    return html.document(names.shown(Path(result.path).name), "\n".join(body), head=head)


def _source(record: Record) -> str:
    text = f"Verdict: {readable(record['verdict'] or 'none')}. Mismatch score {record['score']:.2f}"
    return escape(f"{text}.")


def _player(playback: Playback, link: str) -> str:
    size = f'style="aspect-ratio:{playback.size.width}/{playback.size.height}"'
    if playback.kind == "none":
        grey = playback.first_image.mean(axis=2).astype("uint8")
        media = f'<img alt="the first frame" src="{case_panels.grey_png(grey)}">'
    else:
        source = f' src="{link}"' if playback.kind == "linked" else ""
        media = f'<video id="video" controls playsinline preload="auto"{source}></video>'
    overlay = f'<svg id="boxes" viewBox="0 0 {playback.size.width} {playback.size.height}"></svg>'
    return (
        f'<div class="screen" {size}>{media}{overlay}</div>'
        f'<p id="now" aria-live="off"></p>{html.paragraph(f"{_played(playback)} {KEYS}")}'
    )


def _played(playback: Playback) -> str:
    match playback.kind:
        case "original":
            return "The file itself, unchanged."
        case "linked":
            return "The file itself, played where it lies: this page and the file move together."
        case "preview":
            return (
                "A preview made for this page, smaller and compressed anew, as browsers do not "
                "play the file: all frames at their times; the sound is what was scored, mono at "
                "16 kHz. Judge details of the picture in the file."
            )
    return (
        "Browsers do not play this file, and a preview of more than "
        f"{MAX_PREVIEW_SECONDS / 60:.0f} minutes would be too large: only its first frame is shown."
    )


def _embedded(playback: Playback) -> str:
    if not playback.data:
        return ""
    data = base64.b64encode(playback.data).decode()
    return f'<script type="text/plain" id="media" data-mime="{playback.mime}">{data}</script>'


def _finds(result: VideoResult, clock: FileClock) -> str:
    """Segments and worst moments, each a button that goes there."""
    parts = []
    if result.segments:
        rows = [
            [_span(segment.start, segment.end, clock), f"{segment.score:.2f}"]
            for segment in result.segments[:MAX_ROWS]
        ]
        parts += ["<h2>Segments that do not fit</h2>", _table(["From, to", "Score"], rows)]
        if len(result.segments) > MAX_ROWS:
            parts.append(html.paragraph(f"{len(result.segments):,} in all; see scores.jsonl."))
    moments = [
        f'<button type="button" data-frame="{clock.nearest(moment.seconds)}">'
        f'<img alt="" src="{case_panels.grey_png(moment.crop)}"><span>{number}: '
        f"{escape(_at(moment.seconds, clock))}<br>score {moment.score:.2f}</span></button>"
        for number, moment in enumerate(shown_moments(result), start=1)
    ]
    if moments:
        heading = "Worst moments" if is_flagged(result.verdict) else "Highest scores"
        parts.append(f'<h2>{heading}</h2>\n<div class="moments">{"".join(moments)}</div>')
    if result.verdict == "consistent":
        parts = [html.paragraph("No segment and no moment stands out.")]
    return "\n".join(parts)


def _faces(faces: Sequence[FaceResult], clock: FileClock) -> str:
    rows = [
        [
            str(number),
            _span(face.start, face.end, clock),
            "yes" if face.is_talking else "no",
            *map(escape, _numbers(face)),
            escape(face.message),
        ]
        for number, face in enumerate(faces[:MAX_ROWS], start=1)
    ]
    head = ["Face", "In view", "Talks", "Score", "p-value", "Offset", "Verdict"]
    return _table(head, rows, kind="faces")


def _numbers(result: SyncResult) -> list[str]:
    if result.score is None:
        return ["", "", ""]
    p_value = "" if result.p_value is None else verdict.p_text(result.p_value)
    return [f"{result.score:.2f}", p_value, verdict.offset_cell(result)]


def _offsets(result: VideoResult, clock: FileClock) -> str:
    if not result.offset_is_certain or len(result.offsets) == 1:
        return ""
    rows = [
        [_span(part.start, part.end, clock), escape(verdict.seconds(part.offset_seconds))]
        for part in result.offsets[:MAX_ROWS]
    ]
    return _table(["From, to", "Offset"], rows)


def _basis(result: VideoResult, record: Record, reference: Reference) -> str:
    texts = [verdict.p_value_text(result, reference), record["compared_with"] or ""]
    talking = [str(i) for i, face in enumerate(result.faces, start=1) if face.is_talking]
    texts.append(
        f"Judged: the lips of face {', '.join(talking)} against the sound of the file. The score "
        "grows with the mismatch."
    )
    if result.is_realigned:
        texts.append(
            "Frame scores and segments are those after the sound is moved to where it fits."
        )
    return "\n".join(html.paragraph(text) for text in texts if text)


def _facts(record: Record, clock: FileClock, playback: Playback) -> str:
    rate = "varies; times are given" if clock.rate is None else f"{clock.rate:.6g} per second"
    start = "timecode of the file" if clock.has_timecode else "no timecode in the file: from zero"
    thresholds = (
        f"{readable(name)} {'none' if value is None else f'{value:.4g}'}"
        for name, value in record["thresholds"].items()
    )
    facts = {
        "Path": names.shown(record["path"], max_characters=1000),
        "SHA-256": record["sha256"] or "unknown",
        "Size": f"{record['bytes']:,} bytes" if record["bytes"] is not None else "unknown",
        "Picture": f"{playback.size.width} x {playback.size.height} pixels as shown",
        "Frames": f"{clock.num_frames:,}, numbered from 0; {rate}",
        "Timecode of frame 0": f"{clock.timecode(0)} ({start})",
        "Model": record["model"] or "unknown",
        "avsync": record["version"],
        "Thresholds": ", ".join(thresholds),
    }
    rows = [
        f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in facts.items()
    ]
    return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def _span(start: float, end: float, clock: FileClock) -> str:
    """A button that goes to the start of a span, named by both ends."""
    first, last = clock.nearest(start), clock.nearest(max(start, end - HALF))
    text = f"{clock.timecode(first)} to {clock.timecode(last)}"
    return (
        f'<button type="button" data-frame="{first}">{escape(text)}'
        f"<small>frames {first} to {last}</small></button>"
    )


def _at(seconds: float, clock: FileClock) -> str:
    frame = clock.nearest(seconds)
    return f"{clock.timecode(frame)}, frame {frame}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "") -> str:
    """A table whose cells are HTML."""
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="list {kind}"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
