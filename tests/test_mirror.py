"""Datasets in an object store, read from a stand-in for S3 that runs in this process."""

import json
import logging
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from avsync import mirror
from avsync.datasets.base import open_source, split_names
from avsync.input_pipeline.contents import read_digests
from avsync.input_pipeline.sampling import read_samples
from avsync.input_pipeline.training import BY_IDENTITY, train_batches
from avsync.train.reporter import MEASURED
from tests import feature_dataset
from tests.conftest import ROOT, Run

s3fs = pytest.importorskip("s3fs")
ThreadedMotoServer = pytest.importorskip("moto.server").ThreadedMotoServer

NAME = "synthetic_talkers/tiny"
FOLDER = f"{NAME}/1.0.0"
SHARD = "synthetic_talkers-{}.tfrecord-00000-of-00001"


class Bucket(NamedTuple):
    """A bucket with `synthetic_talkers/tiny` and `features` in the folder `address`.

    requests: "GET /bucket/KEY" of all requests so far.
    """

    address: str
    store: Any
    requests: list[str]

    def num_fetched(self) -> Counter[str]:
        """How often each shard was fetched."""
        found = [re.match(r"GET /\S+/([^/?]+-of-\d+)\b", line) for line in self.requests]
        return Counter(match[1] for match in found if match)


class Requests(logging.Handler):
    def __init__(self):
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(re.sub(r'^.*"(?=[A-Z]+ /)', "", record.getMessage()))


@pytest.fixture(scope="module")
def server() -> Iterator[Requests]:
    """Starts the stand-in, and has S3 looked for there, by the binaries too."""
    requests, log = Requests(), logging.getLogger("werkzeug")
    log.addHandler(requests)
    log.setLevel(logging.INFO)
    log.propagate = False
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "anyone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield requests
    server.stop()
    log.removeHandler(requests)


@pytest.fixture(scope="module")
def bucket(server: Requests, tiny_data: Path) -> Bucket:
    store = s3fs.S3FileSystem()
    store.mkdir("bucket")
    store.put(str(tiny_data / "synthetic_talkers"), "bucket/data/synthetic_talkers", recursive=True)
    return Bucket("s3://bucket/data", store, server.lines)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of each test's own."""
    monkeypatch.setenv(mirror.CACHE, str(tmp_path / "cache"))
    bucket_was_open()
    yield tmp_path / "cache"
    bucket_was_open()


def bucket_was_open() -> None:
    """As a new process, forgets what buckets hold."""
    mirror._mirrored.cache_clear()


def test_a_training_from_a_bucket_equals_one_from_a_folder_and_fetches_each_shard_once(
    bucket: Bucket, tiny_data: Path, tmp_path: Path, run_binary: Run
):
    before, losses = bucket.num_fetched(), []
    for name, data_dir in (("folder", tiny_data), ("bucket", bucket.address)):
        done = run_binary(
            "train",
            *("--config=configs/quickstart.py:test", f"--workdir={tmp_path / name}"),
            # As in test_resume.py, so that the compiled programs are shared.
            *("--config.train.num_steps=20", "--config.train.checkpoint_every=5"),
            f"--config.data.data_dir={data_dir}",
        )
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        losses.append(
            [{k: v for k, v in json.loads(x).items() if k not in MEASURED} for x in lines]
        )
    assert losses[0] == losses[1]
    fetched = bucket.num_fetched() - before
    assert fetched == {SHARD.format("train"): 1, SHARD.format("val"): 1}


def test_features_in_a_bucket_are_extracted_from_into_a_folder(
    bucket: Bucket, tmp_path: Path, run_binary: Run
):
    clip = np.ones((9, 4), np.float32)
    feature_dataset.write(tmp_path / "data", {"train": [(clip, 2 * clip)] * 3}, num_shards=2)
    bucket.store.put(str(tmp_path / "data"), "bucket/extracted", recursive=True)
    arguments = ["--dataset=features", "--data_dir=s3://bucket/extracted", "--trim=leading"]
    arguments += ["--out_name=again", "--dtype=float32"]
    refused = run_binary("extract", *arguments)
    assert refused.returncode == 2
    assert "give --out_dir" in refused.stderr
    done = run_binary("extract", *arguments, f"--out_dir={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    for data_dir in ("s3://bucket/extracted", tmp_path / "data"):
        source = open_source("features", "train", data_dir=data_dir, trim="leading")
        again = open_source("again", "train", data_dir=tmp_path / "out", trim="leading")
        assert list(read_digests(source)) == list(read_digests(again))


def test_every_reader_finds_the_shards_in_a_bucket(bucket: Bucket, tiny_data: Path):
    clips = []
    for data_dir in (tiny_data, bucket.address):
        source = open_source(NAME, "train", data_dir=data_dir)
        samples = [clip.clip_id for clip in read_samples(source, [0, 3])]
        bucket_was_open()
        shutil.rmtree(mirror.local_data_dir(bucket.address, "synthetic_talkers").parents[1])
        bucket_was_open()
        source = open_source(NAME, "train", data_dir=data_dir)
        batches = train_batches(
            source,
            **{"batch_size": 4, "window_frames": 10, "trim": "none", "seed": 0},
            balance=BY_IDENTITY,
        )
        clips.append((samples, [next(batches).clip_ids for _ in range(3)]))
    assert clips[0] == clips[1]


def test_several_readers_of_a_shard_fetch_it_once(bucket: Bucket):
    source = open_source(NAME, "train", data_dir=bucket.address)
    before, path = bucket.num_fetched(), source.directory / SHARD.format("train")
    assert not path.exists()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(mirror.local_file, [path] * 8)) == {str(path)}
    assert bucket.num_fetched() - before == {path.name: 1}
    assert [entry.name for entry in source.directory.glob("*.part")] == []


def test_a_dataset_that_has_changed_in_the_bucket_is_another_folder(
    bucket: Bucket, tiny_data: Path
):
    bucket.store.put(str(tiny_data / NAME), f"bucket/changing/{NAME}", recursive=True)
    shard, directories = SHARD.format("val"), []
    for content in (b"old shard", b"new shard", b"new shard"):
        bucket.store.pipe_file(f"bucket/changing/{FOLDER}/{shard}", content)
        bucket_was_open()
        directory = open_source(NAME, "val", data_dir="s3://bucket/changing").directory
        assert Path(mirror.local_file(directory / shard)).read_bytes() == content
        directories.append(directory.resolve())
    assert directories[0] != directories[1] == directories[2]
    # What is cut off is fetched again by the next process.
    (directory / shard).write_bytes(b"new")
    bucket_was_open()
    open_source(NAME, "val", data_dir="s3://bucket/changing")
    assert Path(mirror.local_file(directory / shard)).read_bytes() == b"new shard"
    # A change while it is read is an error, and leaves no file.
    train = directory / SHARD.format("train")
    bucket.store.pipe_file(f"bucket/changing/{FOLDER}/{train.name}", b"short")
    with pytest.raises(ConnectionError, match=r"5 bytes were fetched, and .* expected"):
        mirror.local_file(train)
    assert not train.exists()


def test_a_connection_that_breaks_names_the_shard(
    bucket: Bucket, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    source = open_source(NAME, "val", data_dir=bucket.address)

    def broken(address: str, path: str, **_: Any) -> None:
        Path(path).write_bytes(b"half of it")
        raise OSError("connection reset by peer")

    monkeypatch.setattr(mirror._connect(bucket.address)[0], "get_file", broken)
    shard = f"s3://bucket/data/{FOLDER}/{SHARD.format('val')}"
    with pytest.raises(ConnectionError, match=f"^{shard} cannot be read .* reset by peer"):
        list(read_digests(source))
    assert not list(cache.rglob("*val.tfrecord*.part"))
    assert not list(cache.glob("*/*val.tfrecord*"))


ENDS_WHILE_FETCHING = """
import sys, threading
from avsync import mirror
from avsync.datasets.base import open_source
from avsync.input_pipeline.contents import read_digests

source = open_source("features", "train", data_dir="s3://bucket/shards", trim="leading")
store, begun = mirror._connect("s3://bucket/shards")[0], threading.Event()
get_file = store.get_file

def get(address, path):
    if "00000-of-" not in address:
        begun.set()
        threading.Event().wait()  # a store that does not answer
    get_file(address, path)

store.get_file = get
clips = read_digests(source)
next(clips)
begun.wait()
sys.exit(3)
"""


@pytest.mark.slow
def test_a_process_ends_while_it_reads_ahead_from_a_store_that_does_not_answer(
    bucket: Bucket, tmp_path: Path
):
    clip = np.ones((9, 4), np.float32)
    feature_dataset.write(tmp_path, {"train": [(clip, clip)] * 4}, num_shards=4)
    bucket.store.put(str(tmp_path / "features"), "bucket/shards/features", recursive=True)
    command = [sys.executable, "-c", ENDS_WHILE_FETCHING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr


def test_a_store_that_cannot_be_reached_fails_and_is_not_wrong_usage(
    bucket: Bucket, tmp_path: Path, run_binary: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    options = ["--config=quickstart:test", f"--workdir={tmp_path / 'run'}"]
    done = run_binary("train", *options, f"--config.data.data_dir={bucket.address}")
    assert done.returncode == 1
    assert "check the network and the endpoint" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://nothing/data", r"not found: s3://nothing/data/.*; check the names of the bucket"),
        ("s3://bucket/nothing", r"not found: s3://bucket/nothing"),
        ("what://bucket/data", r"not an address of an object store .* expected s3://BUCKET/FOLDER"),
    ],
)
def test_a_bad_address_is_told_in_a_sentence(bucket: Bucket, address: str, message: str):
    with pytest.raises(ValueError, match=message):
        split_names(NAME, data_dir=address)


def test_a_dataset_that_is_not_in_the_bucket_names_those_that_are(bucket: Bucket):
    with pytest.raises(ValueError, match=r"unknown dataset in .*: synthetic_talkers\. To copy"):
        split_names("grid", data_dir=bucket.address)
    with pytest.raises(ValueError, match=r"is not in .*, where synthetic_talkers has tiny/1"):
        split_names("synthetic_talkers", data_dir=bucket.address)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ValueError, match=r"needs another package: pip install 'avsync\[gs\]'"):
        split_names(NAME, data_dir="gs://bucket/data")
