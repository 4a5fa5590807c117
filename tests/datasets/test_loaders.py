"""The loaders of PyTorch and Grain read ArrayRecord datasets, without avsync and TensorFlow.

Installs both, with what reads the files, in an environment of its own:

    bash launch/test.sh -m slow tests/datasets/test_loaders.py
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run

NAME = "synthetic_talkers/tiny"

PACKAGES = ("torch", "grain", "tensorflow-datasets", "array-record", "pillow")

# Prints the checksums of all clips as each loader returns them, in the order of their ids.
READ = """
import json, sys, zlib
import grain
import tensorflow_datasets as tfds
import torch

def shown(clip):
    pixels = b"".join(frame.tobytes() for frame in clip["frames"])
    return [clip["clip_id"].decode(), zlib.crc32(pixels), zlib.crc32(clip["waveform"].tobytes())]

def same(clip):
    return clip

if __name__ == "__main__":
    source = tfds.data_source("synthetic_talkers/tiny", split="val", data_dir=sys.argv[1])
    loaders = {"direct": source}
    for workers in (0, 2):
        loaders[f"torch {workers}"] = torch.utils.data.DataLoader(
            source, batch_size=None, shuffle=True, collate_fn=same, num_workers=workers
        )
        whole = grain.sharding.NoSharding()
        sampler = grain.samplers.IndexSampler(
            len(source), shard_options=whole, shuffle=True, num_epochs=1, seed=0
        )
        loaders[f"grain {workers}"] = grain.DataLoader(
            data_source=source, sampler=sampler, worker_count=workers
        )
    loaders["grain map"] = grain.MapDataset.source(source).shuffle(seed=1)
    read = {name: sorted(map(shown, loader)) for name, loader in loaders.items()}
    imported = sorted({"tensorflow", "avsync", "jax"} & set(sys.modules))
    print(json.dumps({"read": read, "imported": imported}))
"""


@pytest.mark.slow
def test_the_loaders_of_pytorch_and_grain_read_the_same_clips(tmp_path: Path, run_binary: Run):
    data_dir, venv, script = tmp_path / "arrays", tmp_path / "venv", tmp_path / "read.py"
    place = (f"--dataset={NAME}", f"--data_dir={data_dir}")
    done = run_binary("prepare", *place, "--file_format=array_record")
    assert done.returncode == 0, done.stderr
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "-qq", "--python", python, "install"]
    subprocess.run([*pip, *PACKAGES], check=True)
    script.write_text(READ)
    # In isolated mode, without the paths of this checkout.
    command = [python, "-I", "-W", "ignore", script, data_dir]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["imported"] == []
    direct = result["read"].pop("direct")
    assert len(direct) == 4
    assert len(result["read"]) == 5
    assert all(read == direct for read in result["read"].values())
