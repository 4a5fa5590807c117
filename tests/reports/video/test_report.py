"""What is said of a file, in words, numbers and a picture."""

import io
import json
import re

import numpy as np
import pytest
from matplotlib import image

from avsync.reports.drawing import to_png
from avsync.reports.video import picture
from avsync.reports.video.report import Report
from avsync.scoring.video import verdict as wording
from avsync.scoring.video.reference import Reference
from avsync.scoring.video.result import (
    Evidence,
    Face,
    Finding,
    Inspection,
    Moment,
    OffsetSpan,
    Stretch,
)
from avsync.scoring.video.segments import Segment

KEPT = {
    "dataset": "grid",
    "split": "val",
    "trim": "leading",
    "frame": "nll",
    "pooling": "logmeanexp",
    "num_identities": 1,
    "scores": np.linspace(0, 1, 99).tolist(),
}
REFERENCE = Reference(KEPT, false_alarm_rate=0.05)
LONG = Reference({**KEPT, "num_frames": 75}, false_alarm_rate=0.05)


def finding(
    score: float,
    *,
    offset: int = 0,
    offsets: tuple[int, ...] = (),
    resynced: float | None = None,
    evidence: float = 2.0,
    gain: float = 100.0,
) -> Finding:
    known = Finding(
        score=score,
        p_value=REFERENCE.p_value([score]),
        offset_frames=offset,
        score_resynced=score if resynced is None else resynced,
        p_value_resynced=REFERENCE.p_value([score if resynced is None else resynced]),
        offset_evidence=evidence,
        offset_gain=gain,
        offsets=spans(*(offsets or [offset])),
        num_pieces=1,
    )
    return wording.with_verdict(known, REFERENCE)


def spans(*offsets: int) -> tuple[OffsetSpan, ...]:
    """Each of 1.5 s, one after the other."""
    return tuple(OffsetSpan(1.5 * i, 1.5 * (i + 1), frames) for i, frames in enumerate(offsets))


def inspection(path: str = "videos/clip.mp4", *, seconds: float = 3.0, **known) -> Inspection:
    rng = np.random.default_rng(0)
    num_frames = round(25 * seconds)
    scores = rng.uniform(0, 2, num_frames).astype(np.float32)
    evidence = Evidence(
        waveform=rng.integers(-9_000, 9_000, num_frames * 640).astype(np.int16),
        start_seconds=0.0,
        stretches=[Stretch(0.0, scores, rng.uniform(-9, 0, (num_frames, 31)).astype(np.float32))],
        moments=[Moment(1.0, 1.5, rng.integers(0, 256, (96, 96), np.uint8))],
        support=rng.uniform(-9, 0, 31).astype(np.float32),
        is_moved=False,
    )
    found = finding(known.pop("score", 0.3), **known)
    face = Face(found, 0.0, seconds, (1.0, 2.0, 3.0, 4.0), is_talking=True)
    return Inspection(path, found, [face], [Segment(1.0, 1.8, 2.0)], evidence)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (finding(0.5), "lips and sound fit as in real clips of one talker"),
        (
            finding(3.0),
            "lips and sound fit worse than in 99 of 99 real clips of one talker, y",
        ),
        (finding(3.0, evidence=-0.1), "lips and sound fit worse than .*no shift explains it"),
        (
            finding(3.0, offset=5, resynced=0.5),
            r"out of sync by \+0\.20 s: the sound comes late",
        ),
        (finding(3.0, offset=-5, resynced=0.5), r"out of sync by -0\.20 s: the sound comes early"),
        (finding(0.5, offset=2, resynced=0.1), r"out of sync by \+0\.08 s"),
        # Of many places that to which it is moved is the best: that must be a good one.
        (
            finding(3.0, offset=5, resynced=0.92),
            "lips and sound fit worse than .*no shift explains",
        ),
        # Nor is it clear where so little tells one place from the other.
        (
            finding(3.0, offset=5, resynced=0.5, gain=20.0),
            "lips and sound fit worse than .*no shift",
        ),
        (finding(0.5, offset=5, resynced=0.6), "lips and sound fit as in real clips"),
        # A frame is within what reals have, and explains no misfit.
        (finding(3.0, offset=1, resynced=0.5), "lips and sound fit worse than .*yet best where"),
        (
            finding(3.0, offsets=(0, 6), resynced=0.5),
            r"in sync until 1\.5 s, out of sync by \+0\.24 s \(sound late\) from there on; moved",
        ),
        # What changes its offset all the time is moved to where anything fits.
        (finding(3.0, offsets=(0, 6, -3), resynced=0.5), "lips and sound fit worse than"),
    ],
)
def test_the_verdict_tells_a_misfit_from_sound_that_is_out_of_sync(known, words):
    assert re.match(words, known.message)


def test_no_verdict_says_that_a_file_is_forged_or_genuine():
    for known in (finding(0.5), finding(3.0), finding(3.0, evidence=-1.0)):
        assert not re.search("is (forged|fake|genuine|real)", known.message)
    reference = Reference(KEPT, false_alarm_rate=0.05, caution="beware of it")
    for words in ("other talkers", "may score above it", "not thereby genuine", "beware of it"):
        assert words in wording.comparison(reference)


@pytest.mark.parametrize(
    ("offsets", "words"),
    [
        ((0, 1, 6), r"in sync until 3 s, out of sync by \+0\.24 s \(sound late\) from there on"),
        (
            (-6, 0, 6),
            r"out of sync by -0\.24 s \(sound early\) until 1\.5 s, in sync until 3 s, ",
        ),
        ((0, 2, 4, 6), r"changes 3 times, from \+0\.00 s to \+0\.24 s, between \+0\.00 s and"),
    ],
)
def test_an_offset_that_changes_is_told_by_where_it_does(offsets, words):
    known = Finding(offset_evidence=1.0, offsets=spans(*offsets))
    assert re.search(words, wording.offset(known))


@pytest.mark.parametrize(
    ("known", "cell"),
    [
        (finding(0.5), "+0.00 s"),
        (finding(3.0, offset=5, resynced=0.5), "+0.20 s"),
        (finding(3.0, offset=5, resynced=2.5), "unclear"),
        (finding(3.0, evidence=0.0), "unclear"),
        (finding(3.0, offsets=(0, 6), resynced=0.5), "+0.00 to +0.24 s"),
    ],
)
def test_an_offset_that_cannot_be_believed_is_not_shown(known, cell):
    assert wording.offset_cell(known, REFERENCE) == cell


def test_a_p_value_counts_the_reals_that_score_as_high():
    assert finding(2.0).p_value == pytest.approx(1 / 100)
    assert finding(0.0).p_value == 1
    words = wording.p_value(finding(2.0), REFERENCE)
    assert words.startswith("p = 0.010: 0 of 99 real clips of one talker score this high")
    assert words.endswith("not the chance that the file is real")


def test_a_long_file_is_as_seldom_as_its_pieces_are_on_average():
    assert REFERENCE.p_value([2.0] * 1_000) == pytest.approx(2 / 100)
    assert REFERENCE.p_value([2.0] + 999 * [0.5]) == pytest.approx(1, abs=0.01)
    # So that real files, whose pieces are alike or not, keep the false-alarm rate.
    rng = np.random.default_rng(0)
    for num_own in (1, 20):
        own = rng.uniform(0, 1, (4_000, num_own))
        p_values = [REFERENCE.p_value(np.repeat(pieces, 20 // num_own).tolist()) for pieces in own]
        assert np.mean(np.array(p_values) <= 0.05) <= 0.05
    words = wording.p_value(Finding(p_value=0.02, num_pieces=1_000), LONG)
    assert words.startswith("p = 0.020: over 1000 pieces of about 3.0 s")


def test_the_threshold_is_passed_by_the_share_of_reals_that_was_asked_for():
    alarms = [score for score in KEPT["scores"] if REFERENCE.is_alarm(REFERENCE.p_value([score]))]
    assert len(alarms) == 4  # with the new one 5 of 100


@pytest.mark.parametrize(
    ("kept", "words"),
    [(None, "no real clips"), ({**KEPT, "scores": [1.0] * 18}, "only 18 real clips")],
)
def test_without_enough_reals_there_is_a_score_and_no_verdict(kept, words):
    reference = Reference(kept, false_alarm_rate=0.05)
    assert reference.threshold is None
    assert not reference.is_alarm(reference.p_value([99.0]))
    assert words in wording.verdict(Finding(score=99.0), reference)
    assert (reference.p_value([99.0]) is None) == (kept is None)


def test_a_report_has_a_line_and_a_picture_a_file(tmp_path, capsys):
    report = Report(tmp_path, REFERENCE)
    report.add(inspection("a/clip.mp4"))
    report.add(inspection("b/clip.mp4", score=3.0, offset=5, resynced=0.5))
    lost = Finding(status="no_audio", message="the file has no audio stream")
    report.add(Inspection("c.mp4", lost, [], [], None))
    report.print_table()
    first, second, third = json.loads((tmp_path / "scores.json").read_text())
    assert [first["picture"], second["picture"], third["picture"]] == [
        "clip.png",
        "clip-2.png",
        None,
    ]
    assert second["offset_frames"] == 5
    assert second["offset_seconds"] == pytest.approx(0.2)
    (span,) = second["offsets"]
    assert span == {"start": 0, "end": 1.5, "offset_frames": 5, "offset_seconds": 0.2}
    assert "99 real clips of one talker" in second["compared_with"]
    assert second["segments"] == [{"start": 1.0, "end": 1.8, "score": 2.0}]
    assert second["faces"][0]["box"] == [1, 2, 3, 4]
    assert (third["score"], third["status"], third["compared_with"]) == (None, "no_audio", None)
    assert report.num_scored == 2
    printed = capsys.readouterr().out
    assert "no_audio: the file has no audio stream" in " ".join(printed.split())
    assert "99 real clips of one talker (grid, val split)" in printed


@pytest.mark.parametrize("seconds", [1.0, 600.0])
def test_a_picture_is_1200_pixels_wide_whatever_the_length(seconds):
    png = to_png(picture.draw(inspection(seconds=seconds), REFERENCE))
    height, width, _ = image.imread(io.BytesIO(png)).shape
    assert width == pytest.approx(1200, abs=60)
    assert height == pytest.approx(1500, abs=130)
