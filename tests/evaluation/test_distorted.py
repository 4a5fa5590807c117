"""A grid of distortions: its cells, its threshold, and how it goes on after an interruption."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.evaluation import clip_sets, distorted
from avsync.evaluation.distorted import FILE, UNDISTORTED
from avsync.evaluation.lines import Line
from avsync.evaluation.scores import Evaluated
from avsync.evaluation.views import Views

GRID = {"brightness": (20.0, 60.0), "gain": (-12.0,)}

RULES = {"frame_score": "nll", "pooling": "mean"}

ABOUT = {"dataset": "x", "split": "test", "checkpoint": "runs/x", "fingerprint": "1"}

Score = Callable[[Views], Evaluated]


class Scoring:
    """Scores a clip by its grey level and counts the views that it was given.

    Fakes are 5 levels above their real clips; a clip is as bright as its distortion makes it.
    """

    def __init__(self, *, stop_after: int = 100):
        self.num_views, self._stop_after = 0, stop_after
        self.scores: list[list[float | None]] = []

    def __call__(self, views: Views) -> Evaluated:
        if self.num_views == self._stop_after:
            raise KeyboardInterrupt
        self.num_views += 1
        lines = [
            Line(
                clip_id=info.clip_id,
                view=view,
                label=info.label,
                manipulation=info.manipulation,
                num_frames=info.num_frames,
                offset_frames=0,
                offset_margin=0.0,
                scores={"alignment": float(pixels.mean()) + 5 * info.label},
            )
            for view, batches in views.batches.items()
            for batch, infos in batches
            for info, pixels in zip(infos, batch.visual, strict=False)
        ]
        self.scores.append([line.score("alignment") for line in lines])
        return Evaluated(lines, [[] for _ in lines])


@pytest.fixture(scope="module")
def clips(tiny_data: Path) -> clip_sets.ClipSet:
    source = open_source("synthetic_talkers/tiny", "val", data_dir=tiny_data)
    return clip_sets.fabricated(
        source, kinds=("shift_2",), seed=0, plants_silence=False, limit=None
    )


def run(clips: clip_sets.ClipSet, score: Score, out_dir: Path, **about: str) -> list[dict]:
    return distorted.run(
        clips,
        score,
        GRID,
        out_dir=out_dir,
        about={**ABOUT, **about},
        rules=RULES,
        batch_size=4,
        seed=0,
    )


def test_a_grid_has_a_cell_for_each_strength_after_the_undistorted_clips(clips, tmp_path):
    scoring = Scoring()
    cells = run(clips, scoring, tmp_path)
    keys = [(cell["distortion"], cell["strength"]) for cell in cells]
    assert keys == [(UNDISTORTED, 0), ("brightness", 20), ("brightness", 60), ("gain", -12)]
    assert json.loads((tmp_path / FILE).read_text().splitlines()[2]) == cells[2]
    assert all(set(cell["by_kind"]) == {"shift_2"} for cell in cells)
    undistorted, _, bright, soft = np.array(scoring.scores, float)
    # The sign is drawn for each clip; bright pixels saturate.
    assert (np.abs(bright - undistorted) > 25).all()
    # Softer sound does not change the grey level, beyond that of frames which are trimmed.
    np.testing.assert_allclose(soft, undistorted, atol=2)


def test_the_threshold_is_that_of_the_undistorted_real_clips_in_every_cell(clips, tmp_path):
    cells = run(clips, Scoring(), tmp_path)
    assert len({cell["threshold"] for cell in cells}) == 1
    reals = cells[0]["calibration"]["scores"]
    assert len(reals) == cells[0]["num_real"]
    if cells[0]["threshold"] is None:
        assert cells[0]["alarms"]["rate"] is None
        assert "calibration clips" in cells[0]["alarms"]["note"]


def test_false_alarms_are_those_of_the_fixed_threshold():
    alarms = distorted._with_interval({"rate": 0.25, "num_alarms": 5, "num_real": 20}, "")
    # Clopper and Pearson for 5 of 20.
    assert (alarms["low"], alarms["high"]) == pytest.approx((0.0866, 0.4910), abs=1e-4)


def test_an_interrupted_grid_goes_on_and_equals_one_that_was_not(clips, tmp_path):
    whole = run(clips, Scoring(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(clips, Scoring(stop_after=2), tmp_path / "parts")
    path = tmp_path / "parts" / FILE
    path.write_text(path.read_text() + '{"distortion": "gain", "str')  # killed while writing
    rest = Scoring()
    parts = run(clips, rest, tmp_path / "parts")
    assert rest.num_views == 2
    for one, other in zip(whole, parts, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert len(path.read_text().splitlines()) == 4


def test_a_grid_of_another_model_is_not_gone_on_with(clips, tmp_path):
    run(clips, Scoring(), tmp_path)
    with pytest.raises(
        ValueError, match=r"\(fingerprint: '1' then, '2' now\); choose another --out"
    ):
        run(clips, Scoring(), tmp_path, fingerprint="2")


def test_a_broken_line_is_named(clips, tmp_path):
    (tmp_path / FILE).write_text("{}\nno json\n")
    with pytest.raises(ValueError, match=r"distortions\.jsonl:1 is no cell of a grid"):
        run(clips, Scoring(), tmp_path)


def test_the_summary_has_the_means_and_the_worst_cell(clips, tmp_path):
    cells = run(clips, Scoring(), tmp_path)
    summary = distorted.summarise(cells)
    visual, audio = [cell["auc"] for cell in cells[1:3]], [cells[3]["auc"]]
    assert summary["mean_auc"] == pytest.approx(
        {"all": np.mean(visual + audio), "visual": np.mean(visual), "audio": np.mean(audio)}
    )
    assert summary["worst"]["auc"] == min(visual + audio)
    assert (summary["num_cells"], summary["num_without_auc"]) == (3, 0)
