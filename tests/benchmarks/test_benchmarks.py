"""The benchmarks start, and their counts are right; speeds are not tested."""

import re
import subprocess
import sys

import numpy as np
import pytest

from avsync.datasets.base import open_source
from avsync.input_pipeline.evaluation import whole_clips
from tests.benchmarks import (
    accelerator,
    accelerator_cases,
    augmentation,
    avhubert_speed,
    by_group,
    extraction,
    finetune_memory,
    halves,
    input_pipeline,
    leave_talkers_out,
    roofline,
    scorer_features,
    turns,
)
from tests.conftest import ROOT

DTYPES = ("float32", "bfloat16")


@pytest.mark.slow
def test_the_head_benchmark_trains_on_features_from_disk():
    size = ["--num_clips=3", "--batch_clips=2", "--window_frames=16", "--rounds=1"]
    command = [sys.executable, "-m", "tests.benchmarks.alignment_head", *size]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sides = [f"avsync {dtype}" for dtype in DTYPES]
    speeds = ", ".join(rf"{side} [\d,]+ frames/s at [\d,]+ CPU us" for side in sides)
    assert re.search(rf"^{speeds} \(load average", done.stdout, re.MULTILINE)
    for side in sides:
        assert re.search(rf"^{side}: ready .*peak memory [\d,]+ MiB", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_operations_agree_with_the_compilers_count(capsys):
    size = ["--size=small", "--num_clips=2", "--shortest_frames=20", "--longest_frames=24"]
    extraction.main([*size, "--rounds=1", "--frames_per_batch=64"])
    printed = capsys.readouterr().out
    ratios = [float(ratio) for ratio in re.findall(r"XLA's count ([\d.]+)", printed)]
    # XLA also counts norms, GELU and, for audio, the filterbank.
    assert ratios == pytest.approx([0.95, 0.99], abs=0.02)
    assert len(re.findall(r"buckets are [\d.]+ times as fast", printed)) == 2


@pytest.mark.slow
def test_the_memory_of_an_update_with_a_frozen_encoder_is_that_of_its_parameters(capsys):
    finetune_memory.main(["--config=avh_align:finetune_test", "--clips=1", "--rows", "head alone"])
    row = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"\| head alone \| 0\.0 M \| 0\.0\d \| 0\.00 \|( \d\.\d\d \|){2}", row)


@pytest.mark.slow
def test_the_stages_of_the_input_pipeline_and_storage_formats_are_reported(tiny_data, capsys):
    place = [f"--data_dir={tiny_data}", "--dataset=synthetic_talkers/tiny"]
    size = ["--num_clips=8", "--rounds=1", "--storage_clips=1", "--updates=0"]
    input_pipeline.main([*place, *size])
    printed = capsys.readouterr().out
    stages = re.findall(r"^ +(\w+) +-?[\d.]+ +(-?[\d.]+)%$", printed, re.MULTILINE)
    assert [name for name, _ in stages] == [
        *("whole", "read", "parse", "trim", "window", "decode", "augment", "batch")
    ]
    assert sum(float(share) for _, share in stages[1:]) == pytest.approx(100, abs=0.5)
    errors = dict(re.findall(r"^ +([A-Za-z]+(?: \d+)?) +\d+ +.* ([\d.]+)$", printed, re.MULTILINE))
    assert {name for name, error in errors.items() if float(error) == 0} == {
        *("PNG 1", "PNG 6", "raw")
    }
    assert {"JPEG 95", "JPEG 90"} < errors.keys()
    fed = re.findall(r"^\| (\w+) \| ([\d,]+) \|(?: [\d,]+ \|)(?: .* frames/s) \|$", printed, re.M)
    assert [name for name, _ in fed] == ["png", "jpeg95", "raw", "features"]


@pytest.mark.slow
def test_the_memory_is_reported_while_reading(tiny_data, capsys):
    place = [f"--data_dir={tiny_data}", "--dataset=synthetic_talkers/tiny"]
    input_pipeline.main([*place, "--window_frames=2", "--steps=20"])
    lines = re.findall(r"^step (\d+): [\d,]+ MiB$", capsys.readouterr().out, re.MULTILINE)
    assert lines == [str(step) for step in (1, *range(2, 21, 2))]


@pytest.mark.slow
def test_the_cost_of_augmentation_is_reported_for_each_op(tiny_data, capsys):
    place = [f"--data_dir={tiny_data}", "--dataset=synthetic_talkers/tiny"]
    augmentation.main([*place, "--num_clips=2", "--rounds=1", "--window_frames=20"])
    printed = capsys.readouterr().out
    pipelines = re.findall(r"^ +(\w.*?) +[\d.]+ +[\d.]+- *[\d.]+ +[+-][\d.]+%$", printed, re.M)
    assert pipelines == [
        "none",
        "default",
        "all, p = 0.1",
        "all, p = 0.25",
        "all, p = 0.5",
        "all, p = 1",
    ]
    ops = re.findall(r"^ +(\w+) +-?\d+\.\d\d$", printed, re.M)
    assert {"geometry", "noise", "stretch", "codec", "all"} < set(ops)


@pytest.mark.slow
def test_models_in_half_precision_are_compared(capsys):
    halves.main(["--small", "--rounds=1"])
    rows = re.findall(r"^\| \w.*\|( [\d.]+ \|){3}$", capsys.readouterr().out, re.MULTILINE)
    assert len(rows) == 4


@pytest.mark.slow
def test_every_group_of_the_accelerator_benchmark_has_its_figures():
    rows = accelerator.main(["--size=tiny", "--seconds=0.1", "--knobs=1", "--peak_tflops=1"])
    assert len(rows) == len(accelerator_cases.GROUPS)
    for row in rows:
        pace, mfu, waiting, memory, _ = row.cells
        assert float(pace.replace(",", "")) > 0, row
        assert 0 < float(mfu.rstrip("%")) < 100, row
        is_training = "training" in row.what or "tuning" in row.what
        assert (waiting != "-") == is_training, row
        assert float(memory) >= 0, row


def test_cases_that_would_begin_too_late_are_not_run():
    (row,) = accelerator.main(["--size=tiny", "--minutes=0", "--rows=score", "--knobs=1"])
    assert row.cells[0] == "not run: out of time"


def test_known_devices_have_the_peak_of_their_data_sheet():
    assert accelerator.make_peak("NVIDIA H100 80GB HBM3", None)("bfloat16") == 989e12
    assert accelerator.make_peak("TPU v5 lite", None)("float32") == 197e12
    assert accelerator.make_peak("cpu", 2.5)("float32") == 2.5e12


# 1,000 frames of 1 GFLOP and 1 MB each: 10 ms at the peak of this machine, 1 ms in its memory.
MACHINE = roofline.Machine("two", 2, 2, peak=1e14, bandwidth=5e11, link=1e9, cores=10)
JOB = roofline.Job("a job", 1000, flops=1e12, bytes_moved=1e9, exchanged=4e6, reads="features")


@pytest.mark.parametrize(
    ("change", "step", "limit", "exchange", "needed", "binds"),
    [
        # The exchange of 4 MB takes 4 ms, beside the 6.7 ms of the backward pass.
        ({}, "10.00", "operations", "4.00", "200,000", "operations"),
        # 3.3 + 8 ms: a host needs fewer frames.
        ({"exchanged": 8e6}, "10.00", "operations", "8.00", "176,471", "exchange"),
        ({"bytes_moved": 2e10, "exchanged": 0}, "20.00", "memory", "none", "100,000", "memory"),
        ({"reads": "crops"}, "10.00", "operations", "4.00", "200,000", "input"),
    ],
)
def test_the_roofline_says_what_binds(change, step, limit, exchange, needed, binds):
    job = JOB._replace(**change)
    found = roofline.machine_cells(job, MACHINE, decode=4800, disk=1e9)
    # 1 GB/s of features of 4,096 bytes, or 20 cores that decode 4,800 frames each.
    feeds = "244,141" if job.reads == "features" else "96,000 (2.1 times this is needed)"
    assert found[1:-1] == (step, limit, exchange, needed, feeds, binds)


@pytest.mark.slow
def test_the_counts_of_the_roofline_are_those_of_the_formula(capsys):
    jobs = roofline.main(["--tiny"])
    assert len(re.findall(r"^\|", capsys.readouterr().out, re.M)) == 2 + 5 + 2 + 5 * 4
    assert all(job.bytes_moved > 0 for job in jobs)
    base = next(job for job in jobs if job.name == "extraction, AV-HuBERT Base")
    sizes = {"embedding": 64, "feed_forward": 64, "num_heads": 2, "num_layers": 3}
    model = extraction.avhubert.Encoder(**sizes)
    formula = sum(extraction.frame_flops(model, stream, 10) for stream in ("visual", "audio"))
    # Extrapolated from one block and two to three.
    assert base.flops / base.num_frames == pytest.approx(formula, rel=1e-6)


@pytest.mark.slow
def test_extraction_is_timed_without_pytorch(capfd):
    avhubert_speed.main(["--size=small", "--num_clips=1", "--clip_frames=25", "--rounds=1"])
    sides = re.findall(r"^(avsync \w+ \w+): ready", capfd.readouterr().out, re.MULTILINE)
    assert sides == [
        f"avsync {stream} {dtype}" for stream in ("audio", "visual") for dtype in DTYPES
    ]


def test_features_are_compared_with_those_in_float32(tmp_path, capsys):
    for name, x in (("float32", [3, 4]), ("float32_avsync", [3, 4.5]), ("autocast", [3, 5])):
        np.save(tmp_path / f"audio_{name}.npy", np.array(x))
    avhubert_speed.report_differences(tmp_path, "audio", "float32")
    assert "at most 0.5 from audio_float32.npy, 0.1 relative" in capsys.readouterr().out


def test_the_turns_of_a_round_are_compared(capsys):
    ours, theirs = (object.__new__(turns.Side) for _ in range(2))
    for side, name, seconds in ((ours, "ours", (1, 2, 1)), (theirs, "theirs", (3, 8, 5))):
        side.name = name
        side.turns = [{"num_frames": 10, "seconds": x, "cpu_seconds": 2 * x} for x in seconds]
    turns.compare(ours, theirs)
    words = "per frame: theirs takes 4.00 times that of ours (median of 3 rounds, 3.00 to 5.00)"
    printed = capsys.readouterr().out
    assert printed.splitlines() == [f"{measure} {words}" for measure in ("time", "CPU time")]


def test_own_reference_clips_keep_the_rate_in_groups_that_score_differently():
    rng = np.random.default_rng(0)
    scores = {"low": rng.gamma(2, 0.2, 120), "high": rng.gamma(9, 0.6, 120)}
    low, high, own_low, own_high = by_group.drawn(scores, (49, 49), length=1, rng=rng)
    assert low < 0.01
    assert high > 0.07
    assert max(own_low, own_high) < 0.06


def test_embeddings_of_the_shipped_scorer_become_a_feature_dataset(tiny_data, tmp_path):
    options = [f"--data_dir={tiny_data}", f"--out_dir={tmp_path}", "--num_clips=8"]
    scorer_features.main([*options, "--dataset=synthetic_talkers/tiny"])
    for split, number in (("train", 8), ("val", 2)):
        source = open_source("embedded", split, data_dir=tmp_path, trim="leading")
        clips = list(whole_clips(source, trim="leading"))
        assert len(clips) == number
        assert all(len(clip.visual) == len(clip.audio) == clip.info.num_frames for clip in clips)
        assert all(np.std(clip.visual) > 0 for clip in clips)


@pytest.mark.slow
@pytest.mark.grid
def test_each_talker_is_scored_by_a_model_that_has_not_heard_them(testdata, tmp_path, capsys):
    videos = tmp_path / "videos"
    videos.mkdir()
    for path in sorted((testdata / "grid_speakers").iterdir())[:4]:
        (videos / path.name).symlink_to(path)
    options = [f"--source={videos}", f"--out={tmp_path / 'out'}", "--folds=2"]
    leave_talkers_out.main([*options, "--config=adapt:test"])
    printed = capsys.readouterr().out
    assert re.findall(r"^fold \d: (\d) talkers", printed, re.MULTILINE) == ["2", "2"]
    before, after = re.findall(r"^\| (?:shipped|fine-tuned.*?) \| (.*)$", printed, re.MULTILINE)
    assert before != after
