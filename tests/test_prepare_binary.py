"""avsync-prepare as a user runs it: on real clips, and with wrong arguments."""

import importlib.util
import json
import re
import signal
import time
from pathlib import Path

import pytest

from avsync.preparation.worker import DEFAULT_LIMITS
from tests.conftest import Run, Start
from tests.media.media_files import write_bomb

HAS_BEAM = importlib.util.find_spec("apache_beam") is not None
HAS_DASK = importlib.util.find_spec("distributed") is not None

KNOWN_ENGINES = "expected local, dask://HOST:PORT or beam"


@pytest.fixture(scope="module")
def source(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of GRID with four clips, a file that is not a video, and one of 640 MB of frames."""
    folder = tmp_path_factory.mktemp("grid") / "s1"
    folder.mkdir()
    for path in sorted((testdata / "grid_s1" / "video").glob("*.mkv"))[:4]:
        (folder / path.name).symlink_to(path)
    (folder / "broken.mkv").write_text("no video")
    write_bomb(folder / "huge.mov", side_pixels=4000, num_frames=40)
    return folder.parent


@pytest.mark.grid
@pytest.mark.slow
def test_a_killed_preparation_resumes_without_losing_a_file(
    source, tmp_path, run_binary: Run, start_binary: Start
):
    arguments = [
        "--dataset=grid/heldout",
        f"--source={source}",
        f"--data_dir={tmp_path}",
        "--workers=1",
        "--clip_gigabytes=0.5",
    ]
    killed = start_binary("prepare", *arguments)
    # A clip counts for the status once it is journaled, a moment after it is stored.
    journals = tmp_path / "grid" / "heldout" / "preparing" / "journals"
    while not any('"reason": ""' in path.read_text() for path in journals.glob("*.jsonl")):
        assert killed.poll() is None, "the preparation was done before it could be killed"
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()

    status = run_binary("prepare", *arguments, "--status")
    assert status.returncode == 0, status.stderr
    assert re.match(r"[1-5] of 6 files done; [1-4] clips \(0\.00 h\); [01] rejected", status.stdout)

    done = run_binary("prepare", *arguments)
    assert done.returncode == 0, done.stderr
    assert "prepared 6 of 6 files: 4 clips, 2 rejected" in done.stderr
    (directory,) = (tmp_path / "grid" / "heldout").iterdir()  # the intermediate folder is gone
    report = json.loads((directory / "prepare_report.json").read_text())
    assert report["num_clips"] + report["num_rejected"] == 6
    assert report["engine"] == "local"
    assert report["by_reason"] == {"not_media": 1, "out_of_memory": 1}
    assert report["hours_of_video"] == pytest.approx(4 * 74 / 25 / 3600, rel=1e-2)
    line, huge = map(json.loads, (directory / "rejects.jsonl").read_text().splitlines())
    assert huge["detail"] == "more than 0.5 GiB are needed"
    assert line["clip_id"] == "s1_broken"
    assert line["path"] == str(source / "s1" / "broken.mkv")
    info = json.loads((directory / "dataset_info.json").read_text())
    lengths = {split["name"]: sum(map(int, split["shardLengths"])) for split in info["splits"]}
    assert lengths["test"] > 4  # the clips and the fakes made from them

    again = run_binary("prepare", *arguments)
    assert again.returncode == 0
    assert f"already prepared: {directory}" in again.stderr


@pytest.mark.grid
def test_a_source_without_a_usable_file_ends_with_1(source, tmp_path, run_binary):
    (tmp_path / "broken.mkv").write_text("no video")
    done = run_binary(
        "prepare", "--dataset=grid", f"--source={tmp_path}", f"--data_dir={tmp_path / 'data'}"
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "prepare.py: no clip could be prepared from 1 raw files: {'not_media': 1}"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset=grid"], "--data_dir"),
        (["--dataset=grid", "--data_dir=x", "--sorce=x"], "sorce"),
        (["--dataset=grid/by_clop", "--data_dir=x"], "did you mean 'by_clip'"),
        (["--dataset=grid", "--data_dir=x", "--source=/nowhere"], "is not found: /nowhere"),
        (["--dataset=grid", "--data_dir=x", "--storage=jpeg"], "did you mean 'jpeg95'"),
        (["--dataset=grid", "--data_dir=x", "clips"], "unexpected argument 'clips'"),
        pytest.param(
            [
                "--dataset=grid",
                "--data_dir=x",
                "--source=.",
                "--engine=beam",
                "--beam_options=--runner=DirectRunner",
            ],
            "for --engine=beam, pip install 'avsync[beam]'",
            marks=pytest.mark.skipif(HAS_BEAM, reason="Beam is installed"),
        ),
        pytest.param(
            ["--dataset=grid", "--data_dir=x", "--source=.", "--engine=dask://127.0.0.1:1"],
            "for --engine=dask, pip install 'avsync[dask]'",
            marks=pytest.mark.skipif(HAS_DASK, reason="Dask is installed"),
        ),
        *(
            (["--dataset=grid", "--data_dir=x", f"--engine={engine}"], KNOWN_ENGINES)
            for engine in (
                "spark",
                "dask",
                "dask://host",
                "dask://:1",
                "dask://host:x",
                "dask://h:1/",
            )
        ),
        (["--dataset=grid", "--data_dir=x", "--engine=beam"], "need each other"),
        (["--dataset=grid", "--data_dir=x", "--beam_options=--runner=X"], "need each other"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_message(run_binary, tmp_path, arguments, message):
    arguments = [argument.replace("=x", f"={tmp_path / 'x'}") for argument in arguments]
    done = run_binary("prepare", *arguments)
    assert done.returncode == 2
    first, *rest = done.stderr.splitlines()
    assert message in first
    assert len(rest) == 1
    assert not (tmp_path / "x").exists() or not list((tmp_path / "x").rglob("*.npz"))


def test_help_shows_the_limits_that_workers_have_by_default(run_binary: Run):
    shown = run_binary("prepare", "--help").stdout
    words = " ".join(shown.split())
    assert f"times the length of the file. (default: {DEFAULT_LIMITS.seconds})" in words
    assert f"in GiB (Linux). (default: {DEFAULT_LIMITS.gigabytes})" in shown
