"""The pictures of a report have words that say what they show, and for how many clips."""

import re

import numpy as np
import pytest

from avsync.evaluation.lines import Line, by_view
from avsync.evaluation.summary import compute_metrics
from avsync.reports.evaluation import pictures

INFO = {"dataset": "talkers", "split": "test", "checkpoint": "runs/a/checkpoints/7"}


def line(index, view, *, is_fake, num_frames, silence):
    """A clip whose score is `index`, like that of each of its frames."""
    return Line(
        f"{'fake' if is_fake else 'real'}<{index}>",
        view,
        int(is_fake),
        category="RV-FA" if is_fake else "RV-RA",
        manipulation="splice" if is_fake else "real",
        fake_segments=[[0.04, 0.08]] if is_fake else [],
        num_frames=num_frames,
        offset_frames=-2 if is_fake else 0,
        scores={"alignment": float(index), "leading_silence": silence},
        poolings={"mean": float(index), "logsumexp": float(index + np.log(num_frames))},
    )


def lines(*, num_frames):
    """Four real and four fake clips in both views; the fakes begin with silence."""
    return [
        line(
            index,
            view,
            is_fake=index >= 4,
            num_frames=num_frames[index % 4],
            silence=0.08 if index >= 4 and view == "original" else 0.0,
        )
        for view in ("original", "trimmed")
        for index in range(8)
    ]


def rendered(lines):
    frames = {
        (clip.view, clip.clip_id): [clip.scores["alignment"]] * clip.num_frames for clip in lines
    }
    metrics = compute_metrics(lines, **INFO, frame_scores=list(frames.values()))
    return pictures.render(by_view(lines), metrics, frames)


@pytest.fixture(scope="module")
def page():
    return rendered(lines(num_frames=[40, 10, 20, 30]))


def test_the_effect_of_trimming_is_given_below_each_score(page):
    assert "real +0, fake -0.08. AUC 1.000 → 0.500." in page
    assert "real +0, fake +0. AUC 1.000 → 1.000." in page


def test_the_length_section_has_the_chance_level_and_the_pooling_in_use(page):
    assert "The 4 real clips of the trimmed view by length" in page
    # 1.96 / sqrt(4 - 1)
    assert "Correlations up to ±1.13" in page
    assert "The pooling in use is mean." in page


def test_equally_long_real_clips_leave_out_the_length_figure():
    page = rendered(lines(num_frames=[40] * 4))
    assert "The 4 real clips of the trimmed view are all 40 frames long" in page
    assert "Score against length" not in page


def test_the_hardest_and_easiest_clips_are_shown_with_their_facts(page):
    headings = re.findall("<h3>(.*?)</h3>", page)
    assert [heading.split()[0] for heading in headings] == ["Hardest"] * 2 + ["Easiest"] * 2
    assert "fake&lt;4&gt;" in page
    assert "RV-FA, splice; score 4.00; sound 0.08 s early." in page
    assert "RV-RA, real; score 3.00; sound in sync." in page
    assert "the checkpoint has no calibration" in page


def test_every_picture_has_a_description(page):
    images = re.findall("<img [^>]*?>", page)
    described = re.findall('<img alt="[^"]+" src="data:image/png;base64,[^"]+">', page)
    assert len(images) == len(described) > 10
