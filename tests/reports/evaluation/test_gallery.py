"""The pictures of a report say in words what they show, and of how many clips."""

import re

import numpy as np
import pytest

from avsync.evaluation.lines import by_view
from avsync.evaluation.summary import compute_metrics
from avsync.reports.evaluation import gallery, lengths

INFO = {"dataset": "talkers", "split": "test", "checkpoint": "runs/a/checkpoints/7"}


def line(index, view, *, is_fake, num_frames, silence):
    """A clip whose score is its number, and whose frames all score as the clip."""
    return {
        "clip_id": f"{'fake' if is_fake else 'real'}<{index}>",
        "view": view,
        "label": int(is_fake),
        "category": "RV-FA" if is_fake else "RV-RA",
        "manipulation": "splice" if is_fake else "real",
        "fake_segments": [[0.04, 0.08]] if is_fake else [],
        "num_frames": num_frames,
        "offset_frames": -2 if is_fake else 0,
        "status": "ok",
        "scores": {"alignment": float(index), "leading_silence": silence},
        "poolings": {"mean": float(index), "logsumexp": index + np.log(num_frames)},
    }


def lines(*, num_frames):
    """Four reals and four fakes in both views; the fakes begin with a silence that is trimmed."""
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
        (clip["view"], clip["clip_id"]): [clip["scores"]["alignment"]] * clip["num_frames"]
        for clip in lines
    }
    metrics = compute_metrics(lines, **INFO, frame_scores=list(frames.values()))
    return gallery.render(by_view(lines), metrics, frames)


@pytest.fixture(scope="module")
def page():
    return rendered(lines(num_frames=[40, 10, 20, 30]))


def test_a_cheating_score_is_said_to_move_and_the_other_to_stay(page):
    assert (
        "Moved, in the median: reals +0, fakes -0.08. AUC 1.000 → 0.500. "
        "Rank correlation of the two views: n/a: constant. n = 4 reals, 4 fakes."
    ) in page
    assert "Moved, in the median: reals +0, fakes +0. AUC 1.000 → 1.000." in page


def test_the_length_check_names_what_chance_does_and_the_pooling_in_use(page):
    assert "The 4 reals of the trimmed view" in page
    # 1.96 / sqrt(4 - 1)
    assert "correlations up to ±1.13" in page
    assert "The pooling in use is mean." in page


def test_equally_long_reals_are_said_to_tell_nothing():
    page = rendered(lines(num_frames=[40] * 4))
    assert "The 4 reals of the trimmed view are all 40 frames long" in page
    assert "Score against length" not in page


def test_the_worst_and_the_clearest_clips_are_shown_with_what_is_known_of_them(page):
    headings = re.findall("<h3>(.*?)</h3>", page)
    assert headings[:2] == ["Reals that look most fake", "Fakes that look most real"]
    assert "fake&lt;4&gt;" in page
    assert "RV-FA, splice; score 4.00; sound 0.08 s early." in page
    assert "RV-RA, real; score 3.00; sound in time." in page
    assert "No threshold is drawn: no scores of reals are kept" in page


def test_every_picture_says_in_words_what_it_is(page):
    pictures = re.findall("<img [^>]*?>", page)
    described = re.findall('<img alt="[^"]+" src="data:image/png;base64,[^"]+">', page)
    assert len(pictures) == len(described) > 10


def test_poolings_are_drawn_over_the_length_of_the_reals():
    clips = by_view(lines(num_frames=[40, 10, 20, 30]))["trimmed"]
    poolings = {"mean": {"length_correlation": -0.2}, "logsumexp": {"length_correlation": None}}
    mean, logsumexp = lengths.draw(clips, poolings).axes
    points, medians = mean.lines
    assert points.get_xydata().tolist() == [[0.4, 1], [0.8, 2], [1.2, 3], [1.6, 0]]
    assert len(medians.get_xdata()) == 4
    assert mean.get_title() == "mean: -0.20"
    assert logsumexp.get_title() == "logsumexp: n/a: constant"
