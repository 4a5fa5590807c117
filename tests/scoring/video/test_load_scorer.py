"""`avsync.load_scorer`, the Python interface: golden scores, documented example, light imports."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import avsync
from avsync.scoring.video.results import VideoResult
from avsync.scoring.video.video_scorer import VideoScorer
from tests.conftest import ROOT, environment

# Of the shipped scorer: score, p-value, offset in frames, verdict.
GOLDEN = {
    "grid_s1/video/bbaf2n.mkv": (0.271717519, 0.34, 0, "consistent"),
    "grid_speakers/sbwe5n.mpg": (1.554514885, 0.03, 0, "not_judged"),
    "grid_speakers/lbax4n.mpg": (2.991102219, 0.007239375, 0, "not_judged"),
}


@pytest.fixture(scope="module")
def scorer() -> VideoScorer:
    return avsync.load_scorer()


@pytest.fixture(scope="module")
def result(scorer: VideoScorer, testdata: Path) -> VideoResult:
    return scorer.score(testdata / "grid_s1" / "video" / "bbaf2n.mkv")


@pytest.mark.grid
@pytest.mark.parametrize("path", GOLDEN)
def test_the_shipped_scorer_gives_its_golden_scores(scorer, testdata, path):
    result = scorer.score(testdata / path)
    score, p_value, offset_frames, verdict = GOLDEN[path]
    assert result.score == pytest.approx(score, abs=1e-4)
    assert result.p_value == pytest.approx(p_value, rel=1e-3)
    assert (result.offset_frames, result.verdict) == (offset_frames, verdict)


@pytest.mark.grid
def test_frame_scores_have_a_time_each_and_their_worst_window_is_the_score(result):
    assert result.frame_scores.shape == result.frame_times.shape == (73,)
    assert np.diff(result.frame_times) == pytest.approx(1 / 25)
    # Frames without speech have no score; the pooling of the calibration is the worst 0.4 s.
    spoken = result.frame_scores[np.isfinite(result.frame_scores)]
    assert 30 <= len(spoken) < 50
    worst = np.convolve(spoken, np.ones(10) / 10, "valid").max()
    assert worst == pytest.approx(result.score, abs=1e-4)
    (face,) = result.faces
    assert (face.score, face.is_talking) == (result.score, True)


def test_a_broken_file_has_a_status_and_no_score(scorer, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    result = scorer.score(tmp_path / "text.mp4")
    assert (result.status, result.score, result.verdict) == ("not_media", None, None)
    assert len(result.frame_scores) == len(result.frame_times) == len(result.faces) == 0


@pytest.mark.grid
def test_the_documented_example_is_true(testdata, monkeypatch):
    monkeypatch.chdir(testdata)
    outcome = doctest.testmod(avsync)
    assert (outcome.failed, outcome.attempted >= 6) == (0, True)


@pytest.mark.grid
def test_the_example_script_scores_a_file_without_packages_that_take_long_to_import(testdata):
    clip = testdata / "grid_s1" / "video" / "bbaf2n.mkv"
    code = f"""
import runpy, sys
sys.argv[1:] = [{str(clip)!r}]
runpy.run_path("launch/score_a_video.py", run_name="__main__")
print({{"tensorflow", "sklearn"}} & set(sys.modules))
"""
    done = run("-c", code, MPLBACKEND="agg")
    assert done.returncode == 0, done.stderr
    assert "verdict consistent" in done.stdout
    assert done.stdout.splitlines()[-1] == "set()"


def test_importing_avsync_is_silent_and_imports_none_of_its_dependencies():
    code = "import sys, avsync; print({'jax', 'numpy', 'tensorflow'} & set(sys.modules))"
    done = run("-c", code)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"checkpoint": "/nowhere"}, "checkpoint not found: /nowhere"),
        ({"detector": "trees86"}, "did you mean 'trees68'"),
        ({"false_alarm_rate": 5.0}, "between 0 and 1"),
    ],
)
def test_wrong_arguments_are_value_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        avsync.load_scorer(**arguments)


def test_names_are_checked_before_jax_is_imported():
    for argument in ("checkpoint='/nowhere'", "detector='trees86'"):
        code = f"""
import sys, avsync
try:
    avsync.load_scorer({argument})
except ValueError:
    print('jax' in sys.modules)
"""
        assert run("-c", code).stdout.strip() == "False"


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, in a process of its own."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**environment(devices=1), **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
