"""launch/open_talkers.sh: miniature corpora in, a scorer with its card out; run again, nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment
from tests.open_corpora import grid_clips, write_crema_d, write_grid, write_lombard_grid

SCRIPT = "launch/open_talkers.sh"

# One talker each of train, val and test; two sentences each, so that sound can be swapped.
TALKERS = (1, 5, 10)


@pytest.fixture
def corpora(tmp_path: Path, testdata: Path) -> list[str]:
    """The flags that name three corpora in the layout of their downloads."""
    clips = iter(grid_clips(testdata))
    for talker in TALKERS:
        for sentence, emotion in (("DFA", "ANG"), ("IEO", "SAD")):
            name = f"VideoFlash/{1000 + talker}_{sentence}_{emotion}_XX.flv"
            write_crema_d(next(clips), tmp_path / "CREMA-D" / name)
            clip = next(clips)
            folder = tmp_path / "GRID" / f"s{talker}" / "video" / "mpg_6000"
            write_grid(clip, folder / clip.name)
            clip = next(clips)
            number = talker + 1 if talker == 1 else talker  # talkers begin at 2
            write_lombard_grid(clip, tmp_path / "lombardgrid", f"s{number}_l_{clip.stem}")
    # As the one of CREMA-D that has no sound: it is rejected, and the job goes on.
    broken = tmp_path / "CREMA-D" / "VideoFlash" / "1076_MTI_SAD_XX.flv"
    write_crema_d(next(clips), broken, sound=False)
    return [
        f"--grid={tmp_path / 'GRID'}",
        f"--crema_d={tmp_path / 'CREMA-D'}",
        f"--lombard_grid={tmp_path / 'lombardgrid'}",
    ]


def run(*flags: str, **variables: str | Path) -> subprocess.CompletedProcess[str]:
    inherited = {**environment(devices=1), "VENV": sys.prefix, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", SCRIPT, *flags],
        cwd=ROOT,
        env={**inherited, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        timeout=1200,
    )


@pytest.mark.slow
@pytest.mark.grid
def test_downloads_become_a_calibrated_scorer_with_its_card(corpora: list[str], tmp_path: Path):
    workdir, data_dir = tmp_path / "run", tmp_path / "data"
    places = {"WORKDIR": workdir, "DATA_DIR": data_dir}
    places |= {"CONFIG": "open_talkers:test", "FAKES": "swap,freeze"}
    done = run(*corpora, **places)
    assert done.returncode == 0, done.stdout + done.stderr

    (rejects,) = (data_dir / "crema_d").glob("*/rejects.jsonl")
    assert json.loads(rejects.read_text())["reason"] == "no_audio"
    config = json.loads((workdir / "config.json").read_text())
    assert set(config["data"]["mixture"]) == {"grid/by_talker", "crema_d", "lombard_grid"}
    for dataset in ("grid/by_talker", "crema_d", "lombard_grid"):
        lines = (workdir / "test" / dataset / "test" / "scores.jsonl").read_text().splitlines()
        clips = [json.loads(line) for line in lines]
        assert {clip["label"] for clip in clips} == {0, 1}, dataset
        assert {clip["identity"] for clip in clips} <= {"s10", "1010"}, dataset
        assert all(clip["p_value"] for clip in clips if clip["view"] == "trimmed"), dataset
    (calibration,) = (workdir / "calibration").glob("*.json")
    about = json.loads(calibration.read_text())
    assert (about["dataset"], about["split"], len(about["scores"])) == ("crema_d", "val", 2)
    compared = json.loads((workdir / "test" / "metrics.json").read_text())
    assert compared["datasets"] == ["grid/by_talker", "crema_d", "lombard_grid"]
    assert compared["views"]["trimmed"]["alignment"]["num_datasets"] == 3
    card = (workdir / "scorer" / "README.md").read_text()
    assert "crema_d (51%), grid/by_talker (19%), lombard_grid (30%), train split" in card

    # Starting a finished training touches its logs, and nothing else.
    folders = ("val_crema_d", "test", "scorer")
    results = [*(x for name in folders for x in (workdir / name).glob("**/*")), calibration]
    written = {path: path.stat().st_mtime_ns for path in results}
    again = run(*corpora, **places)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("done before") == 3  # calibrate, evaluate, export
    assert {path: path.stat().st_mtime_ns for path in results} == written


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "no corpus: give one or more of --grid=DIR"),
        (["--gird=/tmp"], "unknown argument: --gird=/tmp; usage: open_talkers.sh --grid=DIR"),
        (["--grid"], "unknown argument: --grid; usage"),
        (["--crema_d=/nowhere"], "--crema_d: folder not found: /nowhere; unpack the download"),
        (["--grid=/tmp", "--grid=/usr"], "--grid is given twice"),
    ],
)
def test_a_wrong_call_says_what_to_do(flags: list[str], message: str):
    done = run(*flags)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_calibration_on_a_corpus_that_is_not_given_is_refused(tmp_path: Path):
    done = run(f"--grid={tmp_path}", CALIBRATION="crema_d")
    assert done.returncode == 2
    assert "CALIBRATION=crema_d is not one of the datasets: grid/by_talker" in done.stderr


def test_a_stage_that_fails_ends_the_job_and_says_which(tmp_path: Path):
    done = run(f"--crema_d={tmp_path}", DATA_DIR=tmp_path / "data", WORKDIR=tmp_path / "run")
    assert done.returncode == 1
    assert "expected CREMA-D, with VideoFlash/1001_DFA_ANG_XX.flv" in done.stderr
    assert "open_talkers: prepare crema_d ended with status 1" in done.stderr
    assert not (tmp_path / "run").exists()
