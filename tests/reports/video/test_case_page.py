"""The page of a file: what it says, what its script knows, and that nothing in it is code."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from avsync.media.file_clock import FileClock
from avsync.media.images import Size
from avsync.media.playback import Playback
from avsync.reports.video import case_data
from avsync.reports.video.case_page import render
from avsync.scoring.video.results import VideoResult
from tests.reports.video.records import record_of
from tests.scoring.video.results import REFERENCE, scored, video_result

PAL = FileClock(75, 25.0)
NTSC = FileClock(90, 30000 / 1001, start_frame=107_892, is_drop=True, has_timecode=True)

FIRST = np.zeros((288, 360, 3), np.uint8)
ORIGINAL = Playback("original", "video/mp4", b"film", 0.25, Size(360, 288), FIRST)
LINKED = ORIGINAL._replace(kind="linked", data=b"")
NONE = ORIGINAL._replace(kind="none", data=b"", delay_seconds=0.0)


def result_of(score: float = 3.0, path: str = "clip.mp4") -> VideoResult:
    """A file of 3 s, whose face moves right by a pixel a frame; it fits if the score is low."""
    result = video_result(scored(score), path=path)
    outlines = np.array([[100, 50, 200, 150]], np.float32) + np.arange(75)[:, None] * [1, 0, 1, 0]
    face = dataclasses.replace(result.faces[0], outlines=outlines.astype(np.float32))
    segments = result.segments if score > 1 else ()
    return dataclasses.replace(result, faces=(face,), segments=segments)


def page_of(result: VideoResult, clock: FileClock = PAL, playback: Playback = ORIGINAL) -> str:
    record = record_of(result, compared_with="Compared with <99> clips.")
    link = "../a%20b/clip.mp4"
    return render(result, record, REFERENCE, clock=clock, playback=playback, link=link)


class Elements(HTMLParser):
    """The elements of a page by name, and its text outside of scripts and styles."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.scripts = "", [""]
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._inside = tag
        self.scripts += [""] * (tag == "script")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


def data_of(page: str) -> dict:
    return json.loads(Elements(page).scripts[1])


def test_frames_and_timecodes_are_those_of_the_file():
    page = page_of(result_of(), NTSC)
    # From 1.0 to 1.8 s: frame 30 at 29.97 per second, to the last one before the end.
    assert "01:00:01;00 to 01:00:01;23" in page
    assert "frames 30 to 53" in page
    assert 'data-frame="30"' in page
    assert "01:00:00;00 (timecode of the file)" in page
    assert "frames 25 to 44" in page_of(result_of())
    assert "no timecode in the file: from zero" in page_of(result_of())


def test_the_script_knows_the_clock_the_faces_and_the_scores():
    data = data_of(page_of(result_of(), NTSC))
    assert data["clock"] == {
        **{"count": 90, "rate": 30000 / 1001, "times": [], "start": 107_892, "isDrop": True}
    }
    assert (data["end"], data["delay"]) == (3.0, 0.25)
    (face,) = data["faces"]
    assert (face["label"], face["start"], face["step"], face["isTalking"]) == (
        "face 1",
        0,
        0.04,
        True,
    )
    assert face["boxes"][:8] == [100, 50, 200, 150, 101, 50, 201, 150]
    (scores,) = data["scores"]
    assert len(scores["values"]) == 75


def test_the_boxes_of_long_files_are_thinned(monkeypatch):
    monkeypatch.setattr(case_data, "MAX_BOXES", 30)
    (face,) = data_of(page_of(result_of()))["faces"]
    assert face["step"] == pytest.approx(0.12)
    assert len(face["boxes"]) == 4 * 25


def test_a_name_is_never_code():
    evil = "</script><img src=x onerror=alert(1)>&\"'\u202e.mp4"
    harmless, page = Elements(page_of(result_of())), page_of(result_of(path=evil))
    elements = Elements(page)
    assert [tag for tag, _ in elements.found] == [tag for tag, _ in harmless.found]
    assert not [name for _, attributes in elements.found for name in attributes if name[:2] == "on"]
    assert "<img src=x onerror=alert(1)>" in elements.text
    assert "\u202e" not in page
    assert "Compared with <99> clips." in elements.text


def test_the_page_asks_for_nothing():
    page = page_of(result_of())
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy.startswith("default-src 'none'")
    assert "media-src blob:" in policy
    addresses = set(re.findall(r"https?://[^\"'\s]*", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of SVG
    for _, attributes in Elements(page).found:
        assert (attributes.get("src") or "data:").startswith("data:")
        assert not attributes.get("href")


def test_a_file_too_large_to_embed_is_linked_by_its_relative_address():
    page = page_of(result_of(), playback=LINKED)
    assert '<video id="video" controls playsinline preload="auto" src="../a%20b/clip.mp4">' in page
    assert "media-src file: 'self'" in page


def test_without_a_preview_the_page_says_so_and_has_no_video():
    page = page_of(result_of(), playback=NONE)
    assert "Browsers do not play this file" in page
    assert "<video" not in page


def test_what_fits_has_no_worst_moments_and_what_does_not_has():
    assert "Worst moments" in page_of(result_of(3.0))
    fits = page_of(result_of(0.3))
    assert "Worst moments" not in fits
    assert "No segment and no moment stands out." in fits


def test_a_page_says_by_what_it_was_made():
    text = Elements(page_of(result_of())).text
    for part in (
        "SHA-256",
        "m" * 16,
        "false alarm rate 0.05",
        "Judged: the lips of face 1",
        "5 bytes",
    ):
        assert part in text


def test_style_and_script_are_in_the_package():
    folder = Path(case_data.__file__).parent
    assert {path.name for path in folder.glob("case.*")} == {"case.css", "case.js"}
