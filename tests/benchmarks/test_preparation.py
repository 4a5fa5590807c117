"""The benchmark of preparation runs and compares the detectors."""

import re

import pytest

from tests.benchmarks import preparation


@pytest.mark.grid
@pytest.mark.slow
def test_every_detector_is_timed_and_compared_with_dlib68(testdata, capsys):
    source = f"--source={testdata / 'grid_speakers'}"
    preparation.main([source, "--num_clips=1", "--num_frames=26", "--rounds=1"])
    costs, distances = capsys.readouterr().out.split("against dlib68")
    for name in preparation.DETECTORS:
        row = re.search(rf"{name} +│(( [\d.]+ +│){{{len(preparation.STAGES)}}})", costs)
        assert row, costs
        assert re.search(rf"{name} +│ [\d.]+ ", distances)
    assert re.search(r"dlib68 +│ 0\.00 +│ 0\.00 +│ 0\.00 +│ 0 +│ 0\.00", distances)
