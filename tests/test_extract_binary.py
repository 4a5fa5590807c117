"""avsync-extract as a user runs it, and the evaluation of official feature files."""

import csv
import json
import signal
import time
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import tensorflow_datasets as tfds

from avsync.datasets.base import ClipBuilder, open_source
from avsync.input_pipeline.evaluation import whole_clips
from avsync.types import Clip
from tests.conftest import Run, Start


@pytest.fixture(scope="module")
def weights(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """A converted AV-HuBERT of random weights."""
    folder = tmp_path_factory.mktemp("weights") / "avhubert"
    source = testdata / "avhubert_tiny" / "ckpt.pt"
    done = run_binary("convert", "avhubert", f"--source={source}", f"--out={folder}")
    assert done.returncode == 0, done.stderr
    return folder


def extract(weights: Path, data_dir: Path, *, dataset: str, name: str, trim: str) -> list[str]:
    return [
        "--encoder=avhubert",
        f"--weights={weights}",
        f"--dataset={dataset}",
        f"--data_dir={data_dir}",
        f"--out_name={name}",
        f"--trim={trim}",
    ]


class Builder(ClipBuilder, skip_registration=True):
    """Few clips to validate on, and more to train on, so that it can be killed among those."""

    name = "short"
    REAL_ONLY_SPLITS = ("train", "val")

    def clips(self):
        random = np.random.default_rng(0)
        return {
            split: [
                Clip(
                    clip_id=f"{split}{i}",
                    frames=random.integers(0, 256, (25, 96, 96, 1), np.uint8),
                    waveform=random.integers(-999, 999, 25 * 640).astype(np.int16),
                )
                for i in range(num_clips)
            ]
            for split, num_clips in (("train", 12), ("val", 2))
        }


def test_a_killed_and_resumed_extraction_writes_the_same_features(
    weights: Path, tmp_path: Path, run_binary: Run, start_binary: Start
):
    Builder(data_dir=tmp_path).download_and_prepare()
    options = extract(weights, tmp_path, dataset="short", name="killed", trim="none")
    options.append("--split=val,train")
    process = start_binary("extract", *options)
    killed = tmp_path / "killed" / "none" / "1.0.0"
    while not list(killed.glob("shards/val-*")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(killed.glob("shards/train-*"))
    written = next(killed.glob("shards/val-*")).stat().st_mtime_ns
    done = run_binary("extract", *options)
    assert done.returncode == 0, done.stderr
    assert next(killed.glob("shards/val-*")).stat().st_mtime_ns == written
    straight = [option.replace("out_name=killed", "out_name=straight") for option in options]
    assert run_binary("extract", *straight).returncode == 0
    for path in killed.glob("*.tfrecord-*"):
        if not path.name.endswith(".part"):
            other = (
                tmp_path / "straight" / "none" / "1.0.0" / path.name.replace("killed", "straight")
            )
            assert path.read_bytes() == other.read_bytes()


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pairs as AVH-Align's preprocessing leaves them, and a list with one clip more."""
    folder = tmp_path_factory.mktemp("official")
    random = np.random.default_rng(0)
    rows = [("path", "label")]
    for name, num_frames, label in (("a/real", 20, 0), ("b/real", 26, 0), ("a/fake", 20, 1)):
        path = folder / "pairs" / f"{name}_roi.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width = stream.height = 96
            stream.pix_fmt = "yuv444p"
            for picture in random.integers(0, 256, (num_frames, 96, 96, 3), np.uint8):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        sound = random.integers(-3000, 3000, num_frames * 640).astype(np.int16)
        sound[: 700 * label] = 0
        soundfile.write(folder / "pairs" / f"{name}.wav", sound, 16_000)
        rows.append((f"{name}.mp4", str(label)))
    rows.append(("c/missing.mp4", "1"))
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def test_official_pairs_convert_to_official_features_and_a_dataset(
    weights: Path, official: Path, tmp_path: Path, run_binary: Run
):
    encoder = ["--encoder=avhubert", f"--weights={weights}"]
    pairs = f"--from_roi={official / 'pairs'}"
    done = run_binary(
        "extract", *encoder, pairs, f"--to_npz={tmp_path / 'npz'}", "--trim=leading",
        "--streams=visual,audio,multimodal",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = sorted(path.relative_to(tmp_path / "npz") for path in tmp_path.rglob("*.npz"))
    assert [str(path) for path in found] == ["a/fake.npz", "a/real.npz", "b/real.npz"]
    with np.load(tmp_path / "npz" / "a" / "fake.npz") as arrays:
        assert {name: x.shape for name, x in arrays.items()} == {
            stream: (18, 128) for stream in ("visual", "audio", "multimodal")
        }
        assert arrays["visual"].dtype == np.float32
        fake = arrays["audio"]
    # The missing clip of the list is a line with its reason, and the other clips are extracted.
    clips = f"--list=test={official / 'list.csv'}"
    for source, name in (
        ([pairs, *encoder], "direct"),
        ([f"--from_npz={tmp_path / 'npz'}"], "npz"),
    ):
        done = run_binary(
            "extract", *source, clips, f"--data_dir={tmp_path}", f"--out_name={name}",
            "--trim=leading", "--dtype=float32",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        folder = tmp_path / name / "leading" / "1.0.0"
        (reject,) = map(json.loads, (folder / "rejects.jsonl").read_text().splitlines())
        assert (reject["clip_id"], reject["reason"]) == ("c/missing", "missing_file")
        split = open_source(name, "test", data_dir=tmp_path, trim="leading")
        assert not split.is_real_only
        stored = {clip.info.clip_id: clip for clip in whole_clips(split, trim="leading")}
        assert list(stored) == ["a/real", "b/real", "a/fake"]
        assert np.linalg.norm(stored["a/fake"].audio - fake) <= 1e-4 * np.linalg.norm(fake)
    done = run_binary(
        "extract", f"--from_npz={tmp_path / 'npz'}", clips, f"--data_dir={tmp_path}",
        "--out_name=arrays", "--trim=leading", "--dtype=float32", "--file_format=array_record",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    arrays = tfds.data_source("arrays/leading", split="test", data_dir=tmp_path)
    for clip, read in zip(stored.values(), arrays, strict=True):
        assert read["clip_id"].decode() == clip.info.clip_id
        np.testing.assert_array_equal(read["audio"], clip.audio)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset=a", "--from_npz=b"], "exactly one input"),
        (["--from_roi={pairs}", "--to_npz={out}"], "--encoder and --weights are required"),
        (
            ["--from_roi={pairs}", "--to_npz={out}", "--encoder=avhubert", "--weights=/nowhere"],
            "checkpoint not found: /nowhere",
        ),
        (["--trim=both"], "should be one of"),
    ],
)
def test_wrong_usage_exits_2_with_a_message(
    official: Path, tmp_path: Path, run_binary: Run, arguments, message
):
    names = {"pairs": official / "pairs", "out": tmp_path}
    done = run_binary("extract", *[text.format(**names) for text in arguments])
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_an_example(run_binary: Run):
    done = run_binary("extract", "--help")
    assert done.returncode == 0
    assert "avsync-extract --encoder=avhubert" in done.stdout


@pytest.fixture(scope="module")
def head(testdata: Path, tmp_path_factory: pytest.TempPathFactory, run_binary: Run) -> Path:
    """An official alignment head, converted."""
    folder = tmp_path_factory.mktemp("head") / "avh_align"
    source = testdata / "avh_align_head" / "head.pt"
    done = run_binary("convert", "avh_align", f"--source={source}", f"--out={folder}")
    assert done.returncode == 0, done.stderr
    return folder


def write_features(folder: Path, vectors: Path) -> Path:
    """The six clips of the reference as official files, and the list that names them."""
    features = np.load(vectors / "features.npz")
    rows = [("path", "label")]
    for i in range(6):
        arrays = {
            stream: features[f"{stream}_{i}"].astype(np.float32) for stream in ("visual", "audio")
        }
        (folder / f"clip{i}").mkdir()
        np.savez(folder / f"clip{i}" / "real.npz", **arrays)
        rows.append((f"clip{i}/real.mp4", str(i % 2)))
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "list.csv"


def test_official_features_get_the_official_scores(
    head: Path, testdata: Path, tmp_path: Path, run_binary: Run
):
    vectors = testdata / "avh_align_head"
    clips = write_features(tmp_path, vectors)
    broken = tmp_path / "clip6"
    broken.mkdir()
    np.savez(broken / "real.npz", visual=np.zeros((5, 1024)), audio=np.zeros((4, 1024)))
    clips.write_text(clips.read_text() + "clip6/real.mp4,1\n")
    done = run_binary(
        "evaluate",
        f"--checkpoint={head}",
        f"--features_npz={tmp_path}",
        f"--list={clips}",
        "--pooling=logsumexp",
        f"--out={tmp_path / 'out'}",
    )
    assert done.returncode == 0, done.stderr
    lines = [
        json.loads(text) for text in (tmp_path / "out" / "scores.jsonl").read_text().splitlines()
    ]
    expected = json.loads((vectors / "expected.json").read_text())["scores_logsumexp"]
    assert [line["scores"]["alignment"] for line in lines[:6]] == pytest.approx(expected, rel=1e-4)
    assert [line["label"] for line in lines[:6]] == [0, 1, 0, 1, 0, 1]
    assert (lines[6]["status"], lines[6]["scores"]["alignment"]) == ("length_mismatch", None)
    assert "streams differ in length" in lines[6]["message"]
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(metrics["views"]) == ["original"]
    assert metrics["views"]["original"]["alignment"]["num_unscored"] == 1


def test_features_of_the_wrong_size_for_a_head_are_refused(
    head: Path, tmp_path: Path, run_binary: Run
):
    np.savez(tmp_path / "a.npz", visual=np.ones((5, 128)), audio=np.ones((5, 128)))
    (tmp_path / "list.csv").write_text("path,label\na.mp4,0\n")
    done = run_binary(
        "evaluate", f"--checkpoint={head}", f"--features_npz={tmp_path}",
        f"--list={tmp_path / 'list.csv'}", f"--out={tmp_path / 'out'}",
    )  # fmt: skip
    assert done.returncode == 2
    assert "the head needs visual features of 1024 channels per frame, not 128" in done.stderr
