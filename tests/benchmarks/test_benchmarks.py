"""The benchmarks start, and count right; how fast anything is, no test asks."""

import re
import subprocess
import sys

import pytest

from tests.benchmarks import extraction
from tests.conftest import ROOT


def test_the_head_is_trained_on_features_from_disk(binary_environment):
    script = ROOT / "tests" / "benchmarks" / "alignment_head.py"
    size = ["--num_clips=3", "--batch_clips=2", "--window_frames=16", "--rounds=1"]
    done = subprocess.run(
        [sys.executable, script, *size], capture_output=True, text=True, env=binary_environment
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^avsync [\d,]+ frames/s$", done.stdout, re.MULTILINE)
    assert re.search(r"^avsync: ready .*peak memory [\d,]+ MiB", done.stdout, re.MULTILINE)


def test_operations_are_counted_as_the_compiler_counts_them(capsys):
    size = ["--size=small", "--num_clips=2", "--shortest_frames=20", "--longest_frames=24"]
    extraction.main([*size, "--rounds=1", "--frames_per_batch=64"])
    printed = capsys.readouterr().out
    ratios = [float(ratio) for ratio in re.findall(r"XLA's count ([\d.]+)", printed)]
    # In XLA's count alone: norms, GELU, and for sound the filterbank.
    assert ratios == pytest.approx([0.95, 0.99], abs=0.02)
    assert len(re.findall(r"buckets are [\d.]+ times as fast", printed)) == 2
