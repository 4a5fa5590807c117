"""Checkpoints on the Hugging Face Hub, from a local cache as huggingface_hub lays it out."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import avsync
from avsync import checkpoint, hub, pretrained, trained, weights
from tests.conftest import ROOT, Run, environment
from tests.test_build_start import starting

huggingface_hub = pytest.importorskip("huggingface_hub", reason="pip install 'avsync[hub]'")

COMMIT, OLDER = "1" * 40, "2" * 40


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, for this process and for the binaries that it runs; the Hub is offline."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # The library read the environment when it was imported.
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return folder


def add_to(cache: Path, *, folder: str = "", commit: str = COMMIT, revision: str = "main") -> Path:
    """Puts the shipped scorer into the cache as a folder of the repository someone/lips."""
    repository = cache / "models--someone--lips"
    reference = repository / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(commit)
    snapshot = repository / "snapshots" / commit / folder
    shutil.copytree(pretrained.GRID, snapshot)
    return snapshot


def test_the_files_that_are_fetched_are_those_of_an_exported_checkpoint():
    assert hub.REQUIRED == (checkpoint.CONFIG, weights.FILE)
    assert (f"{checkpoint.CALIBRATION}/0.json",) == hub.OPTIONAL


@pytest.mark.parametrize(
    "address",
    [
        "hf://someone/lips",
        Path("hf://someone/lips"),
        "hf://someone/lips@main",
        "hf://someone/lips/",
    ],
)
def test_an_address_is_the_local_copy_of_its_repository(cache, address):
    snapshot = add_to(cache)
    assert hub.is_address(address)
    assert hub.locate(address) == snapshot
    assert checkpoint.find(address) == (snapshot, 0)


def test_a_folder_and_a_revision_select_a_checkpoint_of_the_repository(cache):
    inner = add_to(cache, folder="small/v1")
    older = add_to(cache, commit=OLDER, revision="refs/pr/3")
    assert hub.locate("hf://someone/lips/small/v1") == inner
    assert hub.locate("hf://someone/lips@refs/pr/3") == older
    assert hub.locate(f"hf://someone/lips@{OLDER}") == older


def test_a_path_is_no_address(tmp_path):
    assert hub.locate(str(tmp_path)) == tmp_path
    assert hub.locate("~") == Path.home()
    assert not hub.is_address("runs/hf")


@pytest.mark.parametrize(
    "address",
    [
        "hf://lips",
        "hf://",
        "hf://someone/lips/../x",
        "hf://someone/lips@",
        "hf://a b/c",
        "hf://-a/b",
        "hf:someone/lips",
        "HF://someone/lips",
        "https://huggingface.co/someone/lips",
    ],
)
def test_a_malformed_address_is_refused(cache, address):
    with pytest.raises(ValueError, match="not an address of a checkpoint"):
        hub.locate(address)


def test_only_json_and_safetensors_are_asked_for_and_at_one_commit(monkeypatch, tmp_path):
    asked = {}

    def download(**selection):
        asked.update(selection)
        return str(shutil.copytree(pretrained.GRID, tmp_path / "a" / "b").parent)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert hub.locate("hf://someone/lips@dev%2Fx/b") == tmp_path / "a" / "b"
    assert (asked["repo_id"], asked["revision"]) == ("someone/lips", "dev/x")
    files = ["b/config.json", "b/model.safetensors", "b/calibration/0.json"]
    assert asked["allow_patterns"] == files


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_repository_without_a_needed_file_is_refused_by_name(cache, file):
    (add_to(cache) / file).unlink()
    message = f"hf://someone/lips has no {file}. A checkpoint on the Hub is a folder that avsync-ex"
    with pytest.raises(ValueError, match=message):
        hub.locate("hf://someone/lips")


def test_a_checkpoint_without_calibration_is_complete(cache):
    (add_to(cache) / "calibration" / "0.json").unlink()
    assert checkpoint.read_calibration(*checkpoint.find("hf://someone/lips")) is None


def test_a_repository_outside_the_cache_is_not_found_offline(cache):
    message = "hf://someone/lips is not in the local cache, and the Hub cannot be reached"
    with pytest.raises(ValueError, match=message):
        hub.locate("hf://someone/lips")
    add_to(cache)
    with pytest.raises(ValueError, match="hf://someone/lips@dev is not in the local cache"):
        hub.locate("hf://someone/lips@dev")


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match=r"needs the package huggingface_hub: pip install 'avsync"):
        hub.locate("hf://someone/lips")


def test_damaged_weights_are_refused(cache):
    path = add_to(cache) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        checkpoint.load_params(
            *checkpoint.find("hf://someone/lips"),
        )


def test_a_scorer_is_loaded_from_an_address(cache):
    add_to(cache)
    ours = avsync.load_scorer("hf://someone/lips", detector="trees68")
    assert ours.reference.num_clips == 99
    with pytest.raises(ValueError, match="is not in the local cache"):
        avsync.load_scorer("hf://someone/else")


def test_binaries_take_addresses(cache, run_binary: Run, tmp_path):
    add_to(cache)
    out = tmp_path / "copy"
    done = run_binary("export", "--checkpoint=hf://someone/lips", f"--out={out}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads((out / "config.json").read_text())["train"]["num_steps"] == 1320
    missed = run_binary("export", "--checkpoint=hf://someone/else", f"--out={tmp_path / 'x'}")
    assert missed.returncode == 2
    assert "hf://someone/else is not in the local cache" in missed.stderr
    assert "Traceback" not in missed.stderr


def test_paths_and_help_do_not_import_the_package():
    program = "import sys; from avsync import hub; hub.locate('x'); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(devices=1),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "huggingface_hub" not in done.stdout and "'jax'" not in done.stdout


def test_scores_are_not_kept_in_the_cache(cache, run_binary: Run, tmp_path):
    arguments = ("--checkpoint=hf://someone/lips", "--dataset=grid", f"--out={tmp_path}")
    done = run_binary("evaluate", *arguments, "--calibrate")
    assert done.returncode == 2
    assert "hf://someone/lips cannot be changed: make a local copy with avsync-ex" in done.stderr


def test_a_training_starts_from_an_address(cache):
    add_to(cache)
    shipped = checkpoint.load_params(pretrained.GRID, 0)
    config = trained.read_config(pretrained.GRID)
    begun = starting(config, "hf://someone/lips")
    assert weights.fingerprint({}, begun) == weights.fingerprint({}, shipped)
    begun = starting(config, "head=hf://someone/lips")
    assert weights.fingerprint({}, begun["head"]) == weights.fingerprint({}, shipped["head"])
