"""Addresses of object stores in place of local paths are refused, where they are not understood."""

from pathlib import Path

import pytest

from avsync.bin._addresses import require_local
from tests.conftest import Run


@pytest.mark.parametrize(
    ("options", "positional", "message"),
    [
        ({"data_dir": "gs://b/data"}, [], "gcloud storage cp -r DIR/NAME gs://b/data"),
        ({"data_dir": "s3:/b/data"}, [], "prepared in a folder"),
        ({"workdir": "s3://b/runs"}, [], "aws s3 cp --recursive DIR s3://b/runs"),
        ({"out": "hf://b/runs"}, [], "files are appended to, locked and renamed"),
        ({"source": "s3://b/raw"}, [], "it is read from folders only"),
        ({"split_list": ["test=gs://b/x.csv"]}, [], "--split_list=test=gs://b/x.csv: it is read"),
        ({"checkpoint": "gs://b/run"}, [], "--checkpoint=gs://b/run"),
        ({"config.data.gates.sync_scores": "gs://b/x"}, [], "it is read from folders only"),
        ({}, ["s3://b/video.mp4"], "^s3://b/video.mp4: it is read from folders only"),
    ],
)
def test_an_address_where_a_path_is_needed_is_refused(options, positional, message):
    with pytest.raises(ValueError, match=message):
        require_local(options, positional, read=())


def test_addresses_are_allowed_where_they_are_understood():
    options = {
        "data_dir": "gs://b/data",
        "config.data.data_dir": "s3://b/data",
        "checkpoint": "hf://owner/name",
        "also": ["other=hf://owner/name"],
        "engine": "dask://host:8786",
        "out": "runs/gs",
        "beam_options": "--temp_location=gs://b/temp",
        "limit": 3,
    }
    require_local(options, ["videos/a.mp4"], read={"data_dir"})


@pytest.mark.parametrize(
    ("binary", "arguments"),
    [
        ("prepare", ["--dataset=synthetic_talkers/tiny", "--data_dir=gs://b/data"]),
        ("train", ["--config=quickstart:test", "--workdir=gs://b/run"]),
        ("evaluate", ["--checkpoint=x", "--dataset=x", "--out=gs://b/out"]),
        ("score", ["--out=out", "gs://b/video.mp4"]),
    ],
)
def test_binaries_refuse_addresses_at_once(binary: str, arguments: list[str], run_binary: Run):
    done = run_binary(binary, *arguments)
    assert done.returncode == 2
    assert "gs://b/" in done.stderr
    assert not Path("gs:").exists()
