"""The benchmarks start, and their counts are right; speeds are not tested."""

import re
import subprocess
import sys

import pytest

from tests.benchmarks import augmentation, extraction, finetune_memory, halves, input_pipeline
from tests.conftest import ROOT


@pytest.mark.slow
def test_the_head_benchmark_trains_on_features_from_disk():
    script = ROOT / "tests" / "benchmarks" / "alignment_head.py"
    size = ["--num_clips=3", "--batch_clips=2", "--window_frames=16", "--rounds=1"]
    done = subprocess.run([sys.executable, script, *size], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^avsync [\d,]+ frames/s$", done.stdout, re.MULTILINE)
    assert re.search(r"^avsync: ready .*peak memory [\d,]+ MiB", done.stdout, re.MULTILINE)


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
