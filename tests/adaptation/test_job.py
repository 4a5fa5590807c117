"""What an adaptation refuses before it trains; tests/test_adapt_binary.py runs it all."""

from pathlib import Path

import pytest

from avsync import checkpoint, pretrained, trained, weights
from avsync.adaptation import job
from avsync.adaptation.begun import DATA, START, Request
from avsync.config import make_supervised
from avsync.trained import Trained
from tests.small_models import random_params, small_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that are planned, and cannot be prepared."""
    (tmp_path / "videos").mkdir()
    for number in range(60):
        (tmp_path / "videos" / f"{number}.mp4").write_text(str(number))
    return tmp_path / "videos"


def request(folder: Path, **changes) -> Request:
    asked = Request(
        folder, folder.parent / "out", str(pretrained.GRID), None, None, "adapt:test", ()
    )
    return asked._replace(**changes)


@pytest.fixture
def supervised(tmp_path: Path) -> Path:
    config = small_config("lip_conv")
    make_supervised(config)
    trained.write(Trained(config, random_params(config, None), tmp_path), tmp_path / "supervised")
    return tmp_path / "supervised"


def test_too_few_videos_end_it_with_their_number(folder: Path):
    for path in list(folder.iterdir())[11:]:
        path.unlink()
    with pytest.raises(ValueError, match="has 11 real videos, and at least 32 are needed"):
        job.adapt(request(folder))


def test_a_scorer_that_was_trained_on_fakes_is_refused(folder: Path, supervised: Path):
    asked = request(folder, checkpoint=str(supervised))
    with pytest.raises(ValueError, match="trained on labelled fakes, and real videos alone cannot"):
        job.adapt(asked)
    # The same command goes on where it was; another one would mix two adaptations.
    with pytest.raises(ValueError, match="trained on labelled fakes"):
        job.adapt(asked)
    with pytest.raises(ValueError, match="begun with other config: choose another --out"):
        job.adapt(asked._replace(config="adapt"))
    (folder / "0.mp4").write_text("changed")
    with pytest.raises(ValueError, match="begun with other videos"):
        job.adapt(asked)


def test_videos_that_cannot_be_prepared_end_it_and_the_scorer_is_copied(folder: Path, capfd):
    with pytest.raises(ValueError, match="the stage prepare ended with status 1"):
        job.adapt(request(folder))
    out = folder.parent / "out"
    params = [checkpoint.load_params(place, 0) for place in (pretrained.GRID, out / START)]
    assert weights.fingerprint({}, params[0]) == weights.fingerprint({}, params[1])
    known = [checkpoint.read_calibration(place, 0) for place in (pretrained.GRID, out / START)]
    assert known[0] == known[1]
    assert "not_media" in capfd.readouterr().err or (out / DATA).exists()
