"""The page of a file in a browser, from disk: clicks and keys seek, the cursor moves."""

import dataclasses
import urllib.parse
from pathlib import Path

import numpy as np
import pytest

from avsync.media.file_clock import FileClock
from avsync.reports.video.case_page import make_page
from tests.media.conftest import write_media
from tests.reports.video import chromium
from tests.reports.video.records import record_of
from tests.reports.video.test_case_page import result_of
from tests.scoring.video.results import REFERENCE

__all__ = ["write_media"]

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium is installed")

NUM_FRAMES = 75

# The grey level of the frame in the middle of the picture: frame n has 40 + 2 n.
LEVEL = """(() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data[0];
})()"""

CURSOR = """(() => {
  const plot = document.querySelector(".plot").getBoundingClientRect();
  return (document.getElementById("cursor").getBoundingClientRect().left - plot.left) / plot.width;
})()"""

MIDDLE = """(() => {
  const box = document.querySelector(SELECTOR).getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
})()"""


@pytest.fixture
def page(tmp_path: Path, write_media):
    levels = np.arange(40, 40 + 2 * NUM_FRAMES, 2, dtype=np.uint8)
    frames = np.broadcast_to(levels[:, None, None], (NUM_FRAMES, 288, 360))
    sound = np.random.default_rng(0).uniform(-0.3, 0.3, (1, 48_000))
    name = "a <b>&'clip'.mkv"
    path = write_media(
        frames=frames, times=np.arange(NUM_FRAMES) / 25, sound=[(0.0, sound)], name=name
    )
    result = dataclasses.replace(result_of(), path=str(path))
    html = make_page(result, record_of(result), REFERENCE, audio_track=None, folder=tmp_path)
    (tmp_path / "clip.report.html").write_text(html)
    with chromium.open_page(tmp_path / "profile") as page:
        yield page


def middle(page: chromium.Page, selector: str) -> tuple[float, float]:
    page.value(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
    x, y = page.value(MIDDLE.replace("SELECTOR", repr(selector)))
    return x, y


def test_the_page_plays_seeks_and_shows_where_it_is(page, tmp_path):
    address = (tmp_path / "clip.report.html").as_uri()
    for width in (1280, 390):
        page.open(address, width=width)
        page.wait_for("video.readyState >= 2")
        assert page.value("document.documentElement.scrollWidth") <= width
        assert page.value("document.title") == "a <b>&'clip'.mkv"

        page.click(*middle(page, ".finds button"))  # the segment from 1.0 s
        page.wait_for("!video.seeking && video.currentTime > 0.9")
        assert page.value("video.currentTime") == pytest.approx(1.0, abs=0.04)
        assert page.value("now.textContent").startswith("00:00:01:00 · frame 25 · 1.00 s · score ")
        assert page.value(CURSOR) == pytest.approx(1 / 3, abs=0.01)
        assert page.value(LEVEL) == pytest.approx(40 + 2 * 25, abs=1)
        assert page.value("boxes.querySelector('rect').getAttribute('x')") == "125"
        assert page.value("boxes.querySelector('text').textContent") == "face 1"

        page.press("ArrowRight")
        page.wait_for("!video.seeking && frame === 26")
        assert page.value(LEVEL) == pytest.approx(40 + 2 * 26, abs=1)
        page.press("ArrowLeft")
        page.press("ArrowLeft")
        page.wait_for("!video.seeking && frame === 24")

        page.click(*middle(page, ".high .plot"))
        page.wait_for("!video.seeking && frame === 37")
        assert page.value(CURSOR) == pytest.approx(37 / 75, abs=0.01)

        page.press(" ")
        page.wait_for("!video.paused && frame > 40")
        assert page.value(CURSOR) > 0.5
        page.press(" ")
        page.wait_for("video.paused")
        frames = [0, 1799, 1800, 17_982, 107_892]
        page.value("Object.assign(clock, {rate: 30000 / 1001, start: 3, isDrop: true}), 0")
        ntsc = FileClock(10, 30000 / 1001, start_frame=3, is_drop=True)
        assert page.value(f"{frames}.map(timecode)") == [ntsc.timecode(n) for n in frames]
        schemes = {urllib.parse.urlsplit(url).scheme for url in page.requested}
        assert page.requested[0] == address
        assert [url for url in page.requested if url.startswith("file:")] == [address]
        assert schemes <= {"file", "data", "blob"}
        assert page.errors == []
