"""No shortcut of picture or sound separates pseudo-fakes from the changed real clips."""

from pathlib import Path

import pytest

from avsync.audits.results import ShortcutResult, audit
from avsync.datasets.base import ClipBuilder, open_source
from avsync.datasets.synthesis.talking import Take, talk
from avsync.types import Source
from tests.audits import pseudo_fake_clips
from tests.audits.pseudo_fake_clips import KINDS
from tests.conftest import Run

NUM_TALKERS = 60

# Where a handful of clips differ at all, rounding puts the end of an interval here above 0.5.
ROUNDING = 1e-6


def separating(source: Source, num_clips: int, *, kind: str, reals_stay: bool = False):
    """The shortcuts whose interval excludes 0.5, on either side."""
    clips = pseudo_fake_clips.audited_clips(source, num_clips, kind=kind, reals_stay=reals_stay)
    audited = audit(clips, pseudo_fake_clips.shortcuts(), others={})
    assert len(audited.results) >= 16
    return [result.name for result in audited.results if _excludes_chance(result)]


def _excludes_chance(result: ShortcutResult) -> bool:
    low, high = result.original.low, result.original.high
    assert low is not None and high is not None, result.name
    # A probe below chance has learned nothing.
    return low > 0.5 + ROUNDING or (result.kind == "number" and high < 0.5 - ROUNDING)


class Builder(ClipBuilder, skip_registration=True):
    """One clip of each of some synthetic talkers."""

    name = "many_talkers"
    REAL_ONLY_SPLITS = ("train",)

    def clips(self):
        return {"train": (talk(Take(1, talker, 0)) for talker in range(NUM_TALKERS))}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("talkers")
    Builder(data_dir=folder).download_and_prepare()
    return Source("many_talkers", "train", folder / "many_talkers" / "1.0.0", NUM_TALKERS, True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_shortcut_separates_pseudo_fakes_from_real_clips(kind, source):
    assert separating(source, source.num_clips, kind=kind) == []


def test_if_the_real_clips_stayed_as_they_are_the_change_would_give_the_fakes_away(source):
    assert separating(source, source.num_clips, kind="blend", reals_stay=True) != []


@pytest.fixture(scope="module")
def grid(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Source:
    data_dir = tmp_path_factory.mktemp("grid")
    place = (f"--source={testdata / 'grid_s1'}", f"--data_dir={data_dir}")
    done = run_binary("prepare", "--dataset=grid", *place, timeout=1800)
    assert done.returncode == 0, done.stderr
    return open_source("grid", "train", data_dir=data_dir)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_nor_on_hundreds_of_real_clips(kind, grid):
    assert separating(grid, 400, kind=kind) == []
    assert separating(grid, 400, kind=kind, reals_stay=True) != []
